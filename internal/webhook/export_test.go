package webhook

// UUIDOf is uuidOf, for the tests.
var UUIDOf = uuidOf
