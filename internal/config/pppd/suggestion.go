package pppd

import "upppoe/internal/config/similar"

// suggestion returns the option that is most similar to a misspelt word; empty if none is similar.
func (r *Reader) suggestion(word string) string {
	var names []string
	for _, g := range groups {
		for i := range g.options {
			if o := &g.options[i]; o.status == honoured && o.allowed(r.Role) {
				names = append(names, o.name)
			}
		}
	}
	return similar.To(word, names)
}
