package vault

var (
	FormatKEK = formatKEK
	ParseKEK  = parseKEK
)
