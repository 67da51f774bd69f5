package access

import (
	"context"
	"net/url"
	"strings"
	"time"

	"lanyard"
	"lanyard/internal/store"
	"lanyard/internal/vault"
)

// CreateProject makes a project with its keyset. For the operator only.
func (s *Service) CreateProject(ctx context.Context, p lanyard.Principal, name string) (lanyard.Project, error) {
	if !p.Operator {
		return lanyard.Project{}, lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	}
	pr := lanyard.Project{ID: lanyard.NewID[lanyard.ProjectID]("prj_"), Name: name}
	if err := checkText("name", name, 1); err != nil {
		return lanyard.Project{}, err
	}
	ks, err := s.vault.NewKeyset(ctx, vault.ProjectKey(pr.ID))
	if err != nil {
		return lanyard.Project{}, err
	}
	e := lanyard.NewEntry(p, lanyard.ActProjectChanged)
	e.Project = pr.ID
	e.Detail = map[string]string{"changed": "created"}
	if err := s.seal(ctx, p, &e); err != nil {
		return lanyard.Project{}, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		pr.CreatedAt, pr.UpdatedAt = tx.Now(), tx.Now()
		if err := tx.AddProject(pr, ks); err != nil {
			return lanyard.Entry{}, err
		}
		return e, nil
	})
	return pr, err
}

// Project returns p's project.
func (s *Service) Project(ctx context.Context, p lanyard.Principal) (pr lanyard.Project, err error) {
	err = s.db.View(ctx, func(q *store.Query) (err error) {
		pr, err = q.Project(p.Project)
		return err
	})
	return pr, err
}

// Projects lists all projects, oldest first. For the operator only.
func (s *Service) Projects(ctx context.Context, p lanyard.Principal, page lanyard.Page) (list []lanyard.Project, next string, err error) {
	if !p.Operator {
		return nil, "", lanyard.Errorf(lanyard.CodeOperatorOnly, "")
	}
	err = s.db.View(ctx, func(q *store.Query) (err error) {
		list, next, err = q.Projects(page)
		return err
	})
	return list, next, err
}

// maxEraseAfter is how many days Zoom leaves an app to erase what it knows of a person
// who has taken it out.
const maxEraseAfter = 10

// ProjectChange changes what is not nil.
type ProjectChange struct {
	Name, DisplayName, LogoURL, PrivacyURL, TermsURL, TimeZone, Language *string
	ReturnURLs, Origins, NotifyEmails                                    *[]string
	UnboundCodes, CustomAllowed, LinkMode, NotifyPerson                  *bool
	EraseAfter                                                           *int // days, 10 at most
}

// ChangeProject changes the name and settings of p's project and returns it as
// it is then. The entry says which settings changed, not to what: an address for
// notices is personal data.
func (s *Service) ChangeProject(ctx context.Context, p lanyard.Principal, c ProjectChange) (pr lanyard.Project, err error) {
	e := lanyard.NewEntry(p, lanyard.ActProjectChanged)
	if err := s.seal(ctx, p, &e); err != nil {
		return pr, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) (lanyard.Entry, error) {
		var err error
		if pr, err = tx.Project(p.Project); err != nil {
			return lanyard.Entry{}, err
		}
		changed, err := c.apply(&pr, p)
		if err != nil {
			if lanyard.CodeOf(err) == lanyard.CodeOperatorOnly {
				return e.Failed(err), err
			}
			return lanyard.Entry{}, err
		}
		if len(changed) == 0 {
			return lanyard.Entry{}, nil
		}
		e.Detail = map[string]string{"changed": strings.Join(changed, " ")}
		pr.UpdatedAt = tx.Now()
		if err := tx.PutProject(pr); err != nil {
			return lanyard.Entry{}, err
		}
		return e, nil
	})
	return pr, err
}

// apply checks and makes the change; it returns the names of what was given.
func (c ProjectChange) apply(pr *lanyard.Project, p lanyard.Principal) (changed []string, err error) {
	st := &pr.Settings
	for _, f := range []struct {
		name string
		from *string
		to   *string
		rule func(field, s string) error
	}{
		{"name", c.Name, &pr.Name, func(f, s string) error { return checkText(f, s, 1) }},
		{"display_name", c.DisplayName, &st.DisplayName, func(f, s string) error { return checkText(f, s, 0) }},
		{"logo_url", c.LogoURL, &st.LogoURL, emptyOr(lanyard.ValidURL)},
		{"privacy_url", c.PrivacyURL, &st.PrivacyURL, emptyOr(lanyard.ValidURL)},
		{"terms_url", c.TermsURL, &st.TermsURL, emptyOr(lanyard.ValidURL)},
		{"time_zone", c.TimeZone, &st.TimeZone, emptyOr(checkZone)},
		{"language", c.Language, &st.Language, emptyOr(checkLanguage)},
	} {
		if f.from == nil {
			continue
		}
		if err := f.rule(f.name, *f.from); err != nil {
			return nil, err
		}
		*f.to = *f.from
		changed = append(changed, f.name)
	}
	for _, f := range []struct {
		name string
		from *[]string
		to   *[]string
		rule func(field, s string) error
	}{
		{"return_urls", c.ReturnURLs, &st.ReturnURLs, checkReturn},
		{"origins", c.Origins, &st.Origins, checkOrigin},
		{"notify_emails", c.NotifyEmails, &st.NotifyEmails, checkEmail},
	} {
		if f.from == nil {
			continue
		}
		for _, v := range *f.from {
			if err := f.rule(f.name, v); err != nil {
				return nil, err
			}
		}
		*f.to = *f.from
		changed = append(changed, f.name)
	}
	for _, f := range []struct {
		name string
		from *bool
		to   *bool
	}{
		{"allow_unbound_codes", c.UnboundCodes, &st.UnboundCodes},
		{"allow_custom_provider", c.CustomAllowed, &st.CustomAllowed},
		{"allow_link_mode", c.LinkMode, &st.LinkMode},
		{"notify_person", c.NotifyPerson, &st.NotifyPerson},
	} {
		if f.from == nil {
			continue
		}
		if f.name == "allow_custom_provider" && !p.Operator && *f.from != *f.to {
			return nil, lanyard.Errorf(lanyard.CodeOperatorOnly, "allow_custom_provider: only the operator may set it")
		}
		*f.to = *f.from
		changed = append(changed, f.name)
	}
	if c.EraseAfter != nil {
		if *c.EraseAfter < 0 || *c.EraseAfter > maxEraseAfter {
			return nil, lanyard.Errorf(lanyard.CodeInvalidRequest, "erase_after_days: 0 to %d", maxEraseAfter)
		}
		st.EraseAfter = *c.EraseAfter
		changed = append(changed, "erase_after_days")
	}
	return changed, nil
}

func emptyOr(rule func(field, s string) error) func(field, s string) error {
	return func(field, s string) error {
		if s == "" {
			return nil
		}
		return rule(field, s)
	}
}

// checkText takes a line of text of at most 100 characters.
func checkText(field, s string, least int) error {
	if n := len([]rune(s)); n < least || n > 100 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: %d to 100 characters, without control characters", field, least)
	}
	return nil
}

// checkReturn takes a return URL. Our own parameter is added to its query, so it
// must not be there yet.
func checkReturn(field, s string) error {
	if err := lanyard.ValidURL(field, s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	if err != nil {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: not a URL", field)
	}
	for name := range u.Query() {
		if strings.HasPrefix(name, "lanyard_") {
			return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: parameters that begin with lanyard_ are ours", field)
		}
	}
	return nil
}

// checkOrigin takes an origin as browsers write it (RFC 6454 §6.2), so that it
// can be compared character by character.
func checkOrigin(field, s string) error {
	if err := lanyard.ValidURL(field, s); err != nil {
		return err
	}
	u, err := url.Parse(s)
	port := ""
	if err == nil {
		port = u.Port()
	}
	if err != nil || s != u.Scheme+"://"+u.Host || strings.ToLower(s) != s ||
		u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" || strings.HasSuffix(u.Host, ":") {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: an origin is scheme and host in lower case, and a port only if it is not the usual one: https://app.example.com", field)
	}
	return nil
}

func checkEmail(field, s string) error {
	if !lanyard.ValidEmail(s) {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: one of them is not an e-mail address", field)
	}
	return nil
}

// checkLanguage takes one of the languages of package mail.
func checkLanguage(field, s string) error {
	if s != "en" && s != "de" {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: en or de", field)
	}
	return nil
}

func checkZone(field, s string) error {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return lanyard.Errorf(lanyard.CodeInvalidRequest, "%s: not a time zone such as Europe/Berlin", field)
	}
	return nil
}
