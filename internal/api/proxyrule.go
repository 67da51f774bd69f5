package api

import (
	"lanyard"
	"lanyard/wire"
)

// rulesFrom reads the proxy rules of a key or a bot; the service checks them.
func rulesFrom(in []wire.ProxyRule) (out []lanyard.ProxyRule) {
	for _, r := range in {
		rule := lanyard.ProxyRule{Methods: r.Methods, Host: r.Host, Path: r.Path, Headers: r.Headers, MaxAnswer: r.MaxAnswer}
		for name, l := range r.Query {
			if rule.Query == nil {
				rule.Query = map[string]lanyard.QueryLimit{}
			}
			rule.Query[name] = lanyard.QueryLimit(l)
		}
		out = append(out, rule)
	}
	return out
}

// rulesTo shows them.
func rulesTo(in []lanyard.ProxyRule) (out []wire.ProxyRule) {
	for _, r := range in {
		rule := wire.ProxyRule{Methods: r.Methods, Host: r.Host, Path: r.Path, Headers: r.Headers, MaxAnswer: r.MaxAnswer}
		for name, l := range r.Query {
			if rule.Query == nil {
				rule.Query = map[string]wire.QueryLimit{}
			}
			rule.Query[name] = wire.QueryLimit(l)
		}
		out = append(out, rule)
	}
	return out
}
