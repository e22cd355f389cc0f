// In place of require.js: jQuery and d3 stand in the page already, and BertViz asks for nothing else.
window.require = { config() {} };
window.requirejs = (_names, start) => start(window.jQuery, window.d3);
