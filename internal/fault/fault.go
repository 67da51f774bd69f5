// Package fault has the points at which a test can make the program fail: die,
// stop, hang, panic, or get an error. Without the build tag "faults" At is
// nothing, and is compiled to nothing.
//
//	go build -tags faults ./cmd/lanyard
//	LANYARD_FAULT=spool.sync:error:1:EIO lanyard serve
//
// The setting is point:kind, then when it strikes (the Nth time; "3+": from the
// third time on; the first if not said), then a parameter (an error's name; how
// long a delay is). Several are separated by commas. Tests use Set.
//
// Table has every point: where it is, how it can fail, what must hold then.
package fault

// Point is the name of a place in the program.
type Point string

// Kind is a way to fail.
type Kind string

// The ways to fail.
const (
	Kill  Kind = "kill"  // the process is gone, as by kill -9
	Error Kind = "error" // what is about to be done fails
	Delay Kind = "delay" // it takes long; the parameter says how long, one second if it does not
	Panic Kind = "panic" // a bug
	Stop  Kind = "stop"  // the process stops until somebody sends SIGCONT: a pause no clock of ours sees
)

// Spec is what there is to know of a point.
type Spec struct {
	Point Point
	Where string // in the program, in words
	Kinds []Kind
	Holds string // what must be so afterwards
}
