"""Filters and corrections of images, on volumes of any size."""
