// Replaces require.js: jQuery and d3 are already in the page, and BertViz requires nothing else.
window.require = { config() {} };
window.requirejs = (_names, start) => start(window.jQuery, window.d3);
