package wire

import "time"

// ServerStatus is how the server is: GET /v1/operator/status.
type ServerStatus struct {
	Version           string              `json:"version"`
	PublicURL         string              `json:"public_url"`
	Database          string              `json:"database" doc:"sqlite or postgres"`
	Instance          string              `json:"instance" doc:"The random id of the database; a copy has the same"`
	MadeFor           string              `json:"made_for" doc:"The public URL that the database was made for; under another one no provider is called"`
	Hold              *Hold               `json:"hold,omitempty" doc:"Why no provider is called; absent: nothing is in the way"`
	Nodes             []Node              `json:"nodes" doc:"The processes that use the database, and those that did not leave it in good order"`
	Clock             Clock               `json:"clock"`
	LastBackup        *time.Time          `json:"last_backup,omitempty" doc:"The last that lanyard itself has taken; absent: none"`
	DataDir           string              `json:"data_dir"`
	Ready             bool                `json:"ready"`
	Parts             map[string]string   `json:"parts" doc:"database, keys, disk: ok or failed; spool: ok, below_floor, full, stalled or broken; providers: ok, or the code that says why none is called"`
	FailedCredentials []FailedCredentials `json:"failed_credentials" doc:"Of the last hour; kept in memory only"`
}

// Hold is why this server calls no provider.
type Hold struct {
	Code   string `json:"code" enum:"instance_not_adopted,node_name_taken"`
	Detail string `json:"detail"`
}

// Node is a process that uses the database.
type Node struct {
	ID        string     `json:"id"`
	Version   string     `json:"version"`
	StartedAt time.Time  `json:"started_at"`
	SeenAt    time.Time  `json:"seen_at" doc:"Its last sign of life, by the clock of the database"`
	Alive     bool       `json:"alive" doc:"Seen in the last 30 seconds"`
	Self      bool       `json:"self,omitempty" doc:"It is the one that answers"`
	LostAt    *time.Time `json:"lost_at,omitempty" doc:"An operator said that its disk is gone"`
}

// Clock is what others' clocks say of this machine's. Positive: they are ahead.
type Clock struct {
	DatabaseSeconds  float64 `json:"database_seconds" doc:"How far PostgreSQL's clock is ahead, as far as that is certain"`
	ProvidersSeconds float64 `json:"providers_seconds" doc:"How far the clocks of providers are ahead: the middle one of those that answered in the last hour"`
	Providers        int     `json:"providers" doc:"How many they are"`
}

// Adopted says what the database was made for before it was adopted.
type Adopted struct {
	Was       string `json:"was"`
	PublicURL string `json:"public_url"`
}

// FailedCredentials counts bad credentials from one origin in one minute.
type FailedCredentials struct {
	Minute time.Time `json:"minute"`
	Origin string    `json:"origin"`
	Count  int       `json:"count"`
}

// NewBackup asks for a backup: POST /v1/operator/backup.
type NewBackup struct {
	Path string `json:"path,omitempty" maxLength:"4096" doc:"On the server's machine: absolute, or a name in the folder for backups in the data directory; absent: a name with the time in it"`
}

// Backup is a copy of the database.
type Backup struct {
	Path    string    `json:"path" doc:"On the server's machine"`
	TakenAt time.Time `json:"taken_at" doc:"What was committed before is in it"`
	Bytes   int64     `json:"bytes"`
	Schema  int64     `json:"schema"`
}

// Restored says when the database was put back, and what it does not know since.
type Restored struct {
	RestoredAt *time.Time `json:"restored_at,omitempty" doc:"Absent: never"`
	StateOf    *time.Time `json:"state_of,omitempty" doc:"What was committed before is in it; absent: not known"`
	Behind     []Behind   `json:"behind" doc:"Grants whose refresh token in the database is known to be spent. It is not sent, and their connections have the reason restored"`
	More       bool       `json:"more,omitempty" doc:"There are more of them"`
}

// Behind is a grant that was renewed after the state to which the database was put back.
type Behind struct {
	Project     string     `json:"project"`
	App         string     `json:"app_id"`
	Grant       string     `json:"grant"`
	Connections []string   `json:"connections"`
	RenewedAt   time.Time  `json:"renewed_at" doc:"As the database has it"`
	KnownAt     *time.Time `json:"known_at,omitempty" doc:"As this node remembers; absent: another node does"`
}

// Migration is one step of the database's schema.
type Migration struct {
	Version   int64      `json:"version"`
	Name      string     `json:"name"`
	AppliedAt *time.Time `json:"applied_at,omitempty" doc:"Absent: pending"`
	Lanyard   string     `json:"lanyard,omitempty" doc:"The version of the program that made the step"`
}

// VaultStatus says which keys there are and what they wrap.
type VaultStatus struct {
	KEK    string       `json:"kek" doc:"Id of the key-encryption key"`
	KEKURI string       `json:"kek_uri" doc:"Where it is"`
	Levels []VaultLevel `json:"levels"`
}

// VaultLevel is about the keysets of one level: root, lookup, project, person.
type VaultLevel struct {
	Level     string         `json:"level"`
	Keysets   int            `json:"keysets"`
	Keys      []VaultKey     `json:"keys,omitempty"`
	WrappedBy map[string]int `json:"wrapped_by" doc:"Id of the wrapping key to the number of keysets it wraps"`
	Oldest    *time.Time     `json:"oldest,omitempty" doc:"When the oldest key that seals was added"`
	Rotating  int            `json:"rotating" doc:"Keysets with a replaced key that is not destroyed yet"`
	Unopened  int            `json:"unopened" doc:"Keysets that do not open"`
}

// VaultKey is one key of the root keyset.
type VaultKey struct {
	ID      string    `json:"id"`
	Primary bool      `json:"primary"`
	AddedAt time.Time `json:"added_at"`
}

// RotateVault asks for a rotation: POST /v1/operator/vault/rotate.
type RotateVault struct {
	Level   string `json:"level" enum:"kek,root,project,person,resume" doc:"What is rotated; resume goes on with what was begun"`
	KEK     string `json:"kek,omitempty" doc:"With kek: where the new one is, or is to be made: file:/path"`
	Project string `json:"project,omitempty" doc:"With project or person"`
	Person  string `json:"person,omitempty" doc:"With person"`
}

// VaultRotation is what one call has done, and what is left to do.
type VaultRotation struct {
	Level     string         `json:"level"`
	Owner     string         `json:"owner,omitempty"`
	Primary   string         `json:"primary" doc:"Id of the key that seals now"`
	Rewrapped int            `json:"rewrapped"`
	Resealed  int            `json:"resealed"`
	Retired   []string       `json:"retired,omitempty" doc:"Ids of keys destroyed by this call"`
	Waiting   []string       `json:"waiting,omitempty" doc:"Ids of keys that nothing carries, kept until wait_until"`
	WaitUntil *time.Time     `json:"wait_until,omitempty"`
	Carried   map[string]int `json:"carried,omitempty" doc:"Id of a key not destroyed to what still carries it"`
	Unopened  int            `json:"unopened,omitempty" doc:"What could not be moved because it does not open"`
}
