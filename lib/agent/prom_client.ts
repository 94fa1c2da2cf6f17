// A bundle takes names out of a CommonJS package in a static import only, so that this file, not the
// package, is what is imported later.
export { Counter, Gauge, Histogram, Registry } from "prom-client";
