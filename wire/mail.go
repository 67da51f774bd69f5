package wire

// TestMail asks for a test e-mail: POST /v1/operator/mail/test.
type TestMail struct {
	To       string `json:"to" minLength:"3" maxLength:"254"`
	Language string `json:"language,omitempty" maxLength:"10" doc:"en or de; absent: en"`
}

// TestedMail says that a mail server has taken it.
type TestedMail struct {
	Host string `json:"host" doc:"The mail server that has taken it"`
}
