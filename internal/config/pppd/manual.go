package pppd

import (
	"slices"
	"strings"

	"upppoe/internal/config/manpage"
)

// Manual is what a manual page says of a role's options: those that do something,
// group by group; and those that do not, by the reason why.
func Manual(r Role) (blocks []manpage.Block) {
	groups := Options(r)
	for _, g := range groups {
		honoured := slices.DeleteFunc(slices.Clone(g.Options), func(o Option) bool { return o.Status != Honoured })
		if len(honoured) == 0 {
			continue
		}
		blocks = append(blocks, manpage.Subsection(g.Title))
		for _, o := range honoured {
			blocks = append(blocks, o.item())
		}
	}
	for _, part := range []struct {
		status Status
		title  string
		text   string
	}{
		{Warned, "Options without effect that the log tells of", "These are taken as pppd takes them, and the log says that nothing comes of it, and why:"},
		{Ignored, "Options without effect", "These are taken as pppd takes them, so that a set-up need not be changed:"},
		{Refused, "Options that are refused", "To go on without what these ask for would be wrong, so they are errors:"},
	} {
		if items := byReason(groups, part.status); len(items) > 0 {
			blocks = append(append(blocks, manpage.Subsection(part.title), manpage.Paragraph(part.text)), items...)
		}
	}
	return blocks
}

func (o *Option) item() manpage.Item {
	text := o.Help + "."
	if len(o.Also) > 0 {
		text += " Also: `" + strings.Join(o.Also, "`, `") + "`."
	}
	return manpage.Item{Term: o.Name, Arg: o.Arg, Text: text}
}

// byReason lists options of a status, those of one reason together.
func byReason(groups []Group, s Status) (items []manpage.Block) {
	names := map[string][]string{}
	var reasons []string
	for _, g := range groups {
		for _, o := range g.Options {
			if o.Status != s {
				continue
			}
			if names[o.Help] == nil {
				reasons = append(reasons, o.Help)
			}
			names[o.Help] = append(append(names[o.Help], o.Name), o.Also...)
		}
	}
	for _, reason := range reasons {
		items = append(items, manpage.Definition{Terms: names[reason], Text: reason + "."})
	}
	return items
}

// ManualStandards are what a client and a server of PPPoE both go by.
var ManualStandards = []string{
	"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492)",
	"RFC 1661 (PPP, LCP), RFC 1570 (LCP extensions)",
	"RFC 1332, RFC 1877 (IPCP and name servers), RFC 5072 (IPv6CP)",
	"RFC 1334 (PAP), RFC 1994 (CHAP), RFC 2433 and RFC 2759 (MS-CHAP), RFC 3748 (EAP)",
}
