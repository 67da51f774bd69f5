package wire

// Problem is the answer that is not a success (RFC 9457), as
// application/problem+json. No member repeats anything the caller sent, except
// names of members.
type Problem struct {
	Type          string       `json:"type" doc:"Address of the page that explains the code"`
	Title         string       `json:"title" doc:"What it is called; the same for every occurrence"`
	Status        int          `json:"status" doc:"The HTTP status"`
	Detail        string       `json:"detail" doc:"What happened this time"`
	Code          string       `json:"code" doc:"A stable code; see the list of errors"`
	UserMessage   string       `json:"user_message,omitempty" doc:"What a bot may say to the person"`
	ReconnectURL  string       `json:"reconnect_url,omitempty" doc:"Where the person can mend it"`
	ConnectURL    string       `json:"connect_url,omitempty" doc:"Where the person can connect a first time"`
	MissingScopes []string     `json:"missing_scopes,omitempty" doc:"In the provider's spelling"`
	RetryAfter    int          `json:"retry_after,omitempty" doc:"Seconds to wait; the same as the Retry-After header"`
	Choices       []string     `json:"choices,omitempty" doc:"Ids to choose from, where one call meant several"`
	Skipped       []Skipped    `json:"skipped,omitempty" doc:"Who could not be used, in the order in which they were tried, where several might have been"`
	Errors        []FieldError `json:"errors,omitempty" doc:"What is wrong where in the request"`
	RequestID     string       `json:"request_id,omitempty" doc:"Name of this request in the server's log"`
}

// FieldError says what is wrong at one place of a request. It never holds the
// value that was there.
type FieldError struct {
	Location string `json:"location" doc:"Such as body.return_urls[0] or query.limit"`
	Message  string `json:"message"`
}
