"""Surfaces as series of spherical harmonics: star shapes by their radius, any shape of genus 0 by x, y and z over a sphere."""
