// Package advice says why no concentrator has given a session or an offer, as far as that can be
// known from here, and what to try next.
package advice

import "upppoe/pppoe/discovery"

// Options are how the user of a program narrows a search, and widens it again.
type Options struct {
	// Verb is the verb for giving an option.
	Verb string
	// Name, Addr and Service are the options that ask for a concentrator or a service; empty:
	// the program has none.
	Name, Addr, Service string
	// NoHostUniq is what accepts answers without our Host-Uniq.
	NoHostUniq string
}

// Explain returns a line for each concentrator whose answer was dropped, and one for the obstacle.
// Without either, it returns nobody, which says that nobody answers, unless it is empty.
func (o *Options) Explain(unmatched []discovery.Unmatched, obstacle, nobody string) (lines []string) {
	for _, u := range unmatched {
		lines = append(lines, u.String()+o.suggestion(u))
	}
	switch {
	case obstacle != "":
		lines = append(lines, obstacle)
	case len(unmatched) == 0 && nobody != "":
		lines = append(lines, nobody)
	}
	return lines
}

// suggestion is what can be done about a mismatch.
func (o *Options) suggestion(u discovery.Unmatched) string {
	switch {
	case u.Reason == discovery.NoHostUniq:
		return ": " + o.NoHostUniq
	case u.Reason == discovery.WrongACName:
		return o.suggestRemoval(o.Name, "this name")
	case u.Reason == discovery.WrongAddr:
		return o.suggestRemoval(o.Addr, "this address")
	case u.Reason == discovery.WrongService && len(u.Services) == 0:
		return o.suggestRemoval(o.Service, "")
	case u.Reason == discovery.WrongService:
		return o.suggestRemoval(o.Service, "one of these")
	}
	return ""
}

func (o *Options) suggestRemoval(option, other string) string {
	switch {
	case option == "":
		return ""
	case other == "":
		return ": leave out " + option
	}
	return ": leave out " + option + ", or " + o.Verb + " " + other
}
