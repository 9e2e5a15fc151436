"use strict";
// Draws every scene of the page from the JSON that stands inside it, turns linked views together, and keeps a picture for printing:
// a browser prints what WebGL drew as an empty box.
for (const plot of document.querySelectorAll(".scene .plot")) {
  const source = plot.querySelector("script");
  const figure = JSON.parse(source.textContent);
  source.remove();
  const options = { displaylogo: false, responsive: true, plotlyServerURL: "", modeBarButtonsToRemove: ["sendDataToCloud"] };
  Plotly.newPlot(plot, figure.data, figure.layout, options).then(() => {
    if ("linked" in plot.dataset) linkCameras(plot);
    keepPicture(plot);
  });
}

function linkCameras(plot) {
  const views = Object.keys(plot._fullLayout).filter((key) => /^scene\d*$/.test(key));
  let turning = false;
  plot.on("plotly_relayout", (change) => {
    const moved = Object.keys(change).find((key) => /^scene\d*\.camera$/.test(key));
    if (!moved || turning) return;
    turning = true;
    const update = {};
    for (const view of views) if (`${view}.camera` !== moved) update[`${view}.camera`] = change[moved];
    Plotly.relayout(plot, update).then(() => { turning = false; });
  });
}

function keepPicture(plot) {
  const picture = document.createElement("img");
  picture.className = "printed";
  picture.alt = "The view at the time of printing";
  plot.after(picture);
  const size = { format: "png", width: 1100, height: Math.round((1100 * plot.clientHeight) / plot.clientWidth) };
  const take = () => Plotly.toImage(plot, size).then((data) => { picture.src = data; });
  let waiting = setTimeout(take, 300);
  for (const event of ["plotly_relayout", "plotly_restyle", "plotly_update"]) {
    plot.on(event, () => { clearTimeout(waiting); waiting = setTimeout(take, 600); });
  }
}
