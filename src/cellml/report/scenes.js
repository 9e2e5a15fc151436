"use strict";
// Draws every scene of the page from the JSON that stands inside it, and turns linked views together.

// WebGL forgets what it drew unless told to keep it, and would print as an empty box.
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  return getContext.call(this, kind, /^webgl/.test(kind) ? { ...options, preserveDrawingBuffer: true } : options);
};

for (const plot of document.querySelectorAll(".scene .plot")) {
  const source = plot.querySelector("script");
  const figure = JSON.parse(source.textContent);
  source.remove();
  const options = { displaylogo: false, responsive: true, plotlyServerURL: "", modeBarButtonsToRemove: ["sendDataToCloud"] };
  Plotly.newPlot(plot, figure.data, figure.layout, options).then(() => {
    if ("linked" in plot.dataset) linkCameras(plot);
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
