package client

import (
	"context"
	"net/http"
	"net/url"

	"lanyard/wire"
)

// CreateProject makes a project.
func (c *Client) CreateProject(ctx context.Context, in wire.NewProject) (*wire.Project, error) {
	return send[wire.Project](c, ctx, http.MethodPost, "/v1/operator/projects", in)
}

// ListProjects lists projects, oldest first.
func (c *Client) ListProjects(ctx context.Context, page Page) (*wire.List[wire.Project], error) {
	return get[wire.List[wire.Project]](c, ctx, "/v1/operator/projects", page.query())
}

// CreateOperatorKey makes an operator key, or a key of any project.
func (c *Client) CreateOperatorKey(ctx context.Context, in wire.NewOperatorKey) (*wire.MadeKey, error) {
	return send[wire.MadeKey](c, ctx, http.MethodPost, "/v1/operator/keys", in)
}

// ListOperatorKeys lists the operator's keys, or those of a project.
func (c *Client) ListOperatorKeys(ctx context.Context, project string, page Page) (*wire.List[wire.Key], error) {
	q := page.query()
	if project != "" {
		q.Set("project", project)
	}
	return get[wire.List[wire.Key]](c, ctx, "/v1/operator/keys", q)
}

// RevokeOperatorKey withdraws an operator key, or a key of the project.
func (c *Client) RevokeOperatorKey(ctx context.Context, project, id string, tokenURLs bool) (*wire.RevokedKey, error) {
	q := url.Values{}
	if project != "" {
		q.Set("project", project)
	}
	return c.revokeKey(ctx, "/v1/operator/keys/", id, q, tokenURLs)
}

// Status says how the server is.
func (c *Client) Status(ctx context.Context) (*wire.ServerStatus, error) {
	return get[wire.ServerStatus](c, ctx, "/v1/operator/status", nil)
}

// Adopt makes the database the server's: it calls providers with the tokens in it.
func (c *Client) Adopt(ctx context.Context) (*wire.Adopted, error) {
	return send[wire.Adopted](c, ctx, http.MethodPost, "/v1/operator/adopt", nil)
}

// Backup copies the database into a file on the server's machine.
func (c *Client) Backup(ctx context.Context, in wire.NewBackup) (*wire.Backup, error) {
	return send[wire.Backup](c, ctx, http.MethodPost, "/v1/operator/backup", in)
}

// Restored says when the database was put back, and what it does not know since.
func (c *Client) Restored(ctx context.Context) (*wire.Restored, error) {
	return get[wire.Restored](c, ctx, "/v1/operator/restored", nil)
}

// ListMigrations lists the steps of the database's schema.
func (c *Client) ListMigrations(ctx context.Context) (*wire.List[wire.Migration], error) {
	return get[wire.List[wire.Migration]](c, ctx, "/v1/operator/migrations", nil)
}

// VaultStatus says which keys there are and what they wrap.
func (c *Client) VaultStatus(ctx context.Context) (*wire.VaultStatus, error) {
	return get[wire.VaultStatus](c, ctx, "/v1/operator/vault", nil)
}

// RotateVault rotates keys, or goes on with a rotation. It returns when that is done.
func (c *Client) RotateVault(ctx context.Context, in wire.RotateVault) (*wire.List[wire.VaultRotation], error) {
	return send[wire.List[wire.VaultRotation]](c, ctx, http.MethodPost, "/v1/operator/vault/rotate", in)
}

// TestMail has a test e-mail sent now.
func (c *Client) TestMail(ctx context.Context, in wire.TestMail) (*wire.TestedMail, error) {
	return send[wire.TestedMail](c, ctx, http.MethodPost, "/v1/operator/mail/test", in)
}
