// Package page is what the pages for end users have in common, whatever they are
// about: the layout, the style and the script beside it, what the browser may do
// on them, and text made fit to be shown. It decides nothing and reads nothing.
package page
