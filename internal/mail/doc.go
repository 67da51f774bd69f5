// Package mail tells a project's addresses by e-mail what needs a person, and the end
// user too where the project wants that: a connection that has to be made again or
// will end, an app whose settings are wrong, a webhook endpoint that was disabled.
//
//	hand    an event becomes a mail, once per cause and day, and a copy for each address
//	claim   a node leases copies that are due, by the database's clock, a few per project
//	write   the text is made now, in the project's language, with a link of today
//	send    over one connection to the operator's mail server
//	end     taken, refused for good, or tried again after a while, over two days
//
// Neither an address nor a text is stored: a copy knows the keyed hash of a project's
// address, or the person. A copy keeps its Message-ID on every try, so one that arrives
// twice can be told. What would be too many mails in an hour is gathered into one.
//
// The mail server is the operator's choice, so it may be inside.
package mail
