// Package vendortest plays what customers and servers of the bot vendors say and hear, over
// real HTTP, as the vendors' own pages have it. It has tests only.
package vendortest
