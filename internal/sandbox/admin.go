package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// adminRoutes is the admin API: JSON in and out, errors as {"error":"what to do"}.
func (s *Sandbox) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /admin/clients", func(w http.ResponseWriter, _ *http.Request) { list(w, s.Clients()) })
	mux.HandleFunc("POST /admin/clients", take(s.RegisterClient, http.StatusCreated))
	mux.HandleFunc("GET /admin/clients/{provider}/{id}", s.adminClient)
	mux.HandleFunc("PATCH /admin/clients/{provider}/{id}", s.adminPatchClient)
	mux.HandleFunc("DELETE /admin/clients/{provider}/{id}", s.adminDeleteClient)
	mux.HandleFunc("POST /admin/clients/{provider}/{id}/validate-webhook", s.adminValidateWebhook)
	mux.HandleFunc("POST /admin/notices", take(func(n Notice) (object, error) {
		answers, err := s.SendNotice(n)
		return object{"data": answers}, err
	}, http.StatusOK))
	mux.HandleFunc("GET /admin/people", func(w http.ResponseWriter, r *http.Request) { list(w, s.People(r.URL.Query().Get("provider"))) })
	mux.HandleFunc("PATCH /admin/people/{provider}/{person}", s.adminPatchPerson)
	mux.HandleFunc("GET /admin/grants", func(w http.ResponseWriter, _ *http.Request) { list(w, s.Grants()) })
	mux.HandleFunc("POST /admin/revoke", take(func(t Target) (object, error) {
		n, err := s.Revoke(t)
		return object{"revoked": n}, err
	}, http.StatusOK))
	mux.HandleFunc("POST /admin/rotate-behind", take(func(t Target) (object, error) {
		grants, err := s.RotateBehind(t)
		return object{"data": grants}, err
	}, http.StatusOK))
	mux.HandleFunc("GET /admin/meetings", func(w http.ResponseWriter, _ *http.Request) { list(w, s.Meetings()) })
	mux.HandleFunc("POST /admin/meetings", take(s.PlanMeeting, http.StatusCreated))
	mux.HandleFunc("DELETE /admin/meetings/{number}", s.adminDeleteMeeting)
	mux.HandleFunc("GET /admin/meetings/{number}", s.adminMeeting)
	mux.HandleFunc("POST /admin/meetings/{number}/present", s.adminPresence(true))
	mux.HandleFunc("POST /admin/meetings/{number}/absent", s.adminPresence(false))
	mux.HandleFunc("GET /admin/faults", func(w http.ResponseWriter, _ *http.Request) { list(w, s.Faults()) })
	mux.HandleFunc("POST /admin/faults", take(s.AddFault, http.StatusCreated))
	mux.HandleFunc("DELETE /admin/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.RemoveFault("")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /admin/faults/{id}", s.adminRemoveFault)
	mux.HandleFunc("GET /admin/ledger", s.adminLedger)
	mux.HandleFunc("POST /admin/reset", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Reset(); err != nil {
			adminFail(w, http.StatusInternalServerError, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func list[T any](w http.ResponseWriter, data []T) {
	writeJSON(w, http.StatusOK, struct {
		Data []T `json:"data"`
	}{data})
}

// adminFail says what was wrong.
func adminFail(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, object{"error": err.Error()})
}

// decode reads one JSON value, refusing members nobody knows.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("the body is not the JSON expected: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value in the body")
	}
	return nil
}

// take makes a handler of a method that takes what the body says.
func take[In, Out any](do func(In) (Out, error), status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decode(w, r, &in); err != nil {
			adminFail(w, http.StatusBadRequest, err)
			return
		}
		out, err := do(in)
		if err != nil {
			adminFail(w, http.StatusUnprocessableEntity, err)
			return
		}
		writeJSON(w, status, out)
	}
}

func (s *Sandbox) adminMeeting(w http.ResponseWriter, r *http.Request) {
	m, ok := s.Meeting(r.PathValue("number"))
	if !ok {
		adminFail(w, http.StatusNotFound, fmt.Errorf("there is no meeting %s", r.PathValue("number")))
		return
	}
	writeJSON(w, http.StatusOK, m)
}

func (s *Sandbox) adminPresence(present bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		take(func(in struct {
			Person string `json:"person"`
		}) (Meeting, error) {
			return s.SetPresent(r.PathValue("number"), in.Person, present)
		}, http.StatusOK)(w, r)
	}
}

func (s *Sandbox) adminRemoveFault(w http.ResponseWriter, r *http.Request) {
	if !s.RemoveFault(r.PathValue("id")) {
		adminFail(w, http.StatusNotFound, errors.New("there is no such fault"))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) adminLedger(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	number := func(name string) (int64, error) {
		if q.Get(name) == "" {
			return 0, nil
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s is not a number", name)
		}
		return n, nil
	}
	after, err1 := number("after")
	limit, err2 := number("limit")
	if err := errors.Join(err1, err2); err != nil {
		adminFail(w, http.StatusBadRequest, err)
		return
	}
	list(w, s.Ledger(Query{
		Provider: q.Get("provider"), Client: q.Get("client_id"), Person: q.Get("person"), Event: q.Get("event"), Kind: q.Get("kind"),
		Family: q.Get("family"), Fingerprint: q.Get("fingerprint"), Meeting: q.Get("meeting"), After: after, Limit: int(limit),
	}))
}
