// Package foreigntest runs the whole product against OAuth servers that nobody
// here wrote: the certified oidc-provider of Node, and fosite.
package foreigntest
