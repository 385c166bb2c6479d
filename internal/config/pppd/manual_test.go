package pppd

import (
	"slices"
	"strings"
	"testing"

	"upppoe/internal/config/manpage"
)

// TestManual: each option of a role, with all its names, is once on its page, in the part for its status.
func TestManual(t *testing.T) {
	parts := map[Status]string{
		Warned:  "Options that are ignored with a warning",
		Ignored: "Options that are ignored", Refused: "Options that are refused",
	}
	for _, role := range []Role{Client, Server} {
		found := map[string][]string{} // parts by name
		part := ""
		for _, b := range Manual(role) {
			switch b := b.(type) {
			case manpage.Subsection:
				part = string(b)
			case manpage.Item:
				found[b.Term] = append(found[b.Term], part)
				_, also, _ := strings.Cut(b.Text, " Also: ")
				for _, name := range strings.FieldsFunc(also, func(r rune) bool { return r == '`' || r == ',' || r == ' ' || r == '.' }) {
					found[name] = append(found[name], part)
				}
			case manpage.Definition:
				for _, name := range b.Terms {
					found[name] = append(found[name], part)
				}
			}
		}
		for _, g := range Options(role) {
			for _, o := range g.Options {
				want := parts[o.Status]
				if want == "" {
					want = g.Title
				}
				for _, name := range append(o.Also, o.Name) {
					if !slices.Equal(found[name], []string{want}) {
						t.Errorf("the %v's page has %s in %q, want %q", role, name, found[name], want)
					}
					delete(found, name)
				}
			}
		}
		for name := range found {
			t.Errorf("the %v's page has %s, which is not in the table", role, name)
		}
	}
}

func TestOptionsAreARoles(t *testing.T) {
	has := func(r Role, name string) (has bool) {
		for _, g := range Options(r) {
			has = has || slices.ContainsFunc(g.Options, func(o Option) bool { return o.Name == name })
		}
		return has
	}
	if !has(Client, "persist") || has(Server, "persist") || !has(Server, "mtu") || !has(Client, "LOCAL:REMOTE") || !has(Server, "notty") {
		t.Error("an option is in the list of the wrong role")
	}
}
