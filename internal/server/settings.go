package server

import (
	"reflect"
	"strings"
	"time"

	"lanyard"
)

// Settings is every setting there is. The tags are the documentation: doc says
// what it is for, default what holds if it is not set, danger what can go wrong,
// example what one looks like. In lanyard.yaml a setting has the name of its
// tag, in the environment LANYARD_ and the name in upper case, as a flag dashes.
// A Secret may also be put into a file, named by LANYARD_…_FILE.
type Settings struct {
	PublicURL string `name:"public_url" default:"http://localhost:8080" example:"https://connect.example.com" doc:"Where people and providers reach this server; scheme and host only. It is part of every redirect URI at every provider." danger:"Changing it breaks every redirect URI until each app is changed at its provider."`
	Listen    string `name:"listen" default:"localhost:8080" example:":443" doc:"Address to listen on, host:port." danger:"Beyond this machine it needs a certificate, ACME or a trusted proxy."`
	DataDir   string `name:"data_dir" default:"" example:"/var/lib/lanyard" doc:"Directory of the database, receipts and the operator's socket; default: lanyard in the user's data directory. Each node has its own." danger:"Losing it without a backup loses every connection (SQLite)."`
	Socket    string `name:"socket" default:"" example:"/run/lanyard/lanyard.sock" doc:"The operator's door; default: lanyard.sock in the data directory." danger:"Whoever may use it, as this user or root, may do everything."`

	DatabaseURL lanyard.Secret `name:"database_url" default:"" example:"postgres://lanyard@db.internal/lanyard?sslmode=verify-full" doc:"PostgreSQL instead of SQLite, for more than one node. Several hosts may be named, as in host1:5432,host2:5432: the one that takes changes is used. A pooler in transaction mode may stand between."`
	KEK         string         `name:"kek" default:"" example:"file:/etc/lanyard/kek" doc:"Where the key-encryption key is; default: file:kek in the user's configuration directory for lanyard. Made on first start." danger:"Without it nothing can be opened again: copy it somewhere else, and never beside a backup of the data."`
	FormerKEKs  []string       `name:"former_keks" default:"" example:"file:/etc/lanyard/kek.2025" doc:"Further key-encryption keys that may open the vault while nodes move from one to another."`

	TLSCert        string   `name:"tls_cert" default:"" example:"/etc/lanyard/tls.crt" doc:"Certificate chain, PEM; read again when the file changes."`
	TLSKey         string   `name:"tls_key" default:"" example:"/etc/lanyard/tls.key" doc:"Its private key, PEM."`
	ACMEEmail      string   `name:"acme_email" default:"" example:"ops@example.com" doc:"Get certificates for the public URL's host by ACME (TLS-ALPN-01, so port 443 must reach this server). Setting it agrees to the authority's terms."`
	ACMEDirectory  string   `name:"acme_directory" default:"https://acme-v02.api.letsencrypt.org/directory" example:"https://acme.internal/directory" doc:"The ACME authority."`
	TrustedProxies []string `name:"trusted_proxies" default:"" example:"10.0.0.5,10.1.0.0/24" doc:"Reverse proxies whose Forwarded and X-Forwarded-For headers are believed." danger:"Who is in one of these networks can claim to be any address."`

	SMTPURL       lanyard.Secret `name:"smtp_url" default:"" example:"smtps://lanyard:password@mail.example.com" doc:"Mail server for notices to projects and people; without one nobody is told by e-mail. smtps:// is TLS from the first byte, smtp:// is STARTTLS, without which nothing is sent, and plain on this machine. ?tls=none sends in plain text beyond it, and never a password; ?ca= names a file with authorities of your own." danger:"With tls=none whoever is on the way reads the mails, and their reconnect links."`
	MailFrom      string         `name:"mail_from" default:"" example:"Lanyard <lanyard@example.com>" doc:"Sender of e-mails; needed with smtp_url. Its domain has to allow the mail server to send for it (SPF, DKIM)."`
	MailReplyTo   string         `name:"mail_reply_to" default:"" example:"support@example.com" doc:"Where answers to e-mails go; default: to the sender."`
	EgressProxy   lanyard.Secret `name:"egress_proxy" default:"" example:"http://proxy.internal:3128" doc:"Proxy for calls to providers. The environment's HTTP_PROXY is not used."`
	AllowLoopback bool           `name:"allow_loopback" default:"false" example:"true" doc:"Let providers, webhooks and proxied calls be on this machine: for tests and the sandbox." danger:"A customer who may add a custom provider reaches what listens on this machine."`
	ProvidersDir  string         `name:"providers_dir" default:"" example:"/etc/lanyard/providers" doc:"Directory of YAML files that add to the catalogue of providers, or replace or extend an entry."`
	AllowNetworks []string       `name:"allow_networks" default:"" example:"10.20.0.0/16" doc:"Private networks that may be called, such as a self-hosted GitLab's." danger:"Customers who may add custom providers reach them."`

	LimitKeyPerSecond    int `name:"limit_key_per_second" default:"200" example:"1000" doc:"Requests of one API key per second; 0: no limit."`
	LimitFailedPerMinute int `name:"limit_failed_per_minute" default:"20" example:"60" doc:"Bad credentials from one address per minute before they are slowed down; 0: no limit."`
	LimitOpensPerMinute  int `name:"limit_opens_per_minute" default:"10" example:"30" doc:"Openings of one invitation per minute; 0: no limit."`

	ProxyMaxBytes int           `name:"proxy_max_bytes" default:"1073741824" example:"10485760" doc:"Bytes of a body, and of an answer, that go through the proxy."`
	ProxyMaxTime  time.Duration `name:"proxy_max_time" default:"15m" example:"2m" doc:"How long a call through the proxy may take, body and answer included."`

	RefreshRate     float64 `name:"refresh_rate" default:"50" example:"20" doc:"Token renewals per second for each OAuth app, on all nodes together, where the catalogue does not know the provider's own limit." danger:"Too high, and the provider throttles the app; too low, and after an outage it takes long until every token is fresh: 20,000 take 400 s at 50."`
	RefreshInFlight int     `name:"refresh_in_flight" default:"200" example:"50" doc:"Renewals under way at once on each node. One app may have about a third of them, and a quarter is kept for callers who wait." danger:"A node that is killed loses at most so many answers, and only of providers that take back no spent token."`
	RefreshStop     bool    `name:"refresh_stop" default:"false" example:"true" doc:"This node renews nothing by the schedule, only for callers who wait. For all nodes, and without a restart: lanyard refresh stop." danger:"What nobody uses is not kept alive: after some weeks its refresh tokens die."`

	JoinTokenRate float64 `name:"join_token_rate" default:"10" example:"20" doc:"Join tokens per second that are minted for one account at the provider, which at Zoom is a whole company, on all nodes together. Projects with connections of one company take turns. It is halved when the provider says that it was too much, and comes back within a minute." danger:"Too high, and the provider refuses the company's calls, also those of its other apps; too low, and bots that join at the full hour wait."`

	MeetingsStop bool `name:"meetings_stop" default:"false" example:"true" doc:"This node lists nobody's meetings; whose meeting it is, is then known from notices alone." danger:"On all nodes, meetings planned before a person has connected are not known."`

	MetricsListen string        `name:"metrics_listen" default:"" example:"10.0.0.7:9090" doc:"Address for /metrics without a credential; default: on the operator's socket only." danger:"Whoever reaches it sees how busy you are, though no names."`
	FirstKeyFile  string        `name:"first_key_file" default:"" example:"/run/lanyard/first-key" doc:"Where the first API key goes on the first start, mode 0600, if there is no terminal to print it to. It is not written over anything." danger:"Move the key to where it belongs and delete the file."`
	LogLevel      string        `name:"log_level" default:"info" example:"debug" doc:"debug, info, warn or error. No level shows secrets or personal data."`
	DrainTime     time.Duration `name:"drain_time" default:"30s" example:"60s" doc:"How long a stop waits for calls that are under way."`

	KeepConsents time.Duration `name:"keep_consents" default:"0s" example:"26280h" doc:"How long the record of a consent is kept after it was withdrawn or superseded; 0: until its person is erased. One in force is always kept." danger:"What was consented to cannot be proved after that."`

	TimeScale   float64       `name:"time_scale" default:"1" example:"60" doc:"Makes schedules run faster, for tests." danger:"Refused without allow_loopback."`
	ClockOffset time.Duration `name:"clock_offset" default:"0s" example:"-10m" doc:"Moves this process's wall clock, for tests: SQLite's clock, by which schedules, leases, the ends of tokens and the log are; what providers' clocks are compared with; and what the times in ID tokens are. PostgreSQL has its own clock, which a node with a wrong one goes by. Keys, links and timers are not moved." danger:"Refused without allow_loopback."`
}

// Setting describes one setting.
type Setting struct {
	Name    string // public_url
	Env     string // LANYARD_PUBLIC_URL
	Flag    string // public-url
	Default string
	Example string
	Doc     string
	Danger  string
	Secret  bool
	Bool    bool // a flag without a value
}

// Described lists every setting, in the order of the struct.
func Described() []Setting {
	var out []Setting
	for f := range reflect.TypeFor[Settings]().Fields() {
		name := f.Tag.Get("name")
		out = append(out, Setting{
			Name: name, Env: envPrefix + strings.ToUpper(name), Flag: strings.ReplaceAll(name, "_", "-"),
			Default: f.Tag.Get("default"), Example: f.Tag.Get("example"), Doc: f.Tag.Get("doc"), Danger: f.Tag.Get("danger"),
			Secret: f.Type == reflect.TypeFor[lanyard.Secret](), Bool: f.Type.Kind() == reflect.Bool,
		})
	}
	return out
}

const envPrefix = "LANYARD_"
