// Package compat says where the vendors' paths are, and in whose words /api/v1 is spoken.
//
//	/attendee/api/v1/…    Attendee's words
//	/meetstream/api/v1/…  MeetStream's
//	/api/v1/…             those of the key's dialect; with a key that has none, of the
//	                      vendor whose path it is, and of both where both have it
//
// Each vendor is a package below: a list of its paths, and how it says that something went
// wrong. Here they are put on the router; what they do not list is refused in their words,
// and so is a method that a path does not take.
package compat
