package pppd

import (
	"slices"
	"strings"

	"upppoe/internal/config/manpage"
)

// Manual returns the options of a role for a manual page: honoured ones by group, the others by reason.
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
		{Warned, "Options that are ignored with a warning", "These are accepted with pppd's syntax and ignored; the log has a warning with the reason:"},
		{Ignored, "Options that are ignored", "These are accepted with pppd's syntax and ignored, so that existing files need not be changed:"},
		{Refused, "Options that are refused", "These are errors, as it would be wrong or unsafe to ignore them:"},
	} {
		if items := byReason(groups, part.status); len(items) > 0 {
			blocks = append(append(blocks, manpage.Subsection(part.title), manpage.Paragraph(part.text)), items...)
		}
	}
	return blocks
}

func (o *Option) item() manpage.Item {
	text := strings.TrimSuffix(o.Help, " in --man") + "."
	if len(o.Also) > 0 {
		text += " Also: `" + strings.Join(o.Also, "`, `") + "`."
	}
	return manpage.Item{Term: o.Name, Arg: o.Arg, Text: text}
}

// byReason lists the options of a status, grouped by reason.
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

// ManualStandards are the standards that both client and server implement.
var ManualStandards = []string{
	"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492)",
	"RFC 1661 (PPP, LCP), RFC 1570 (LCP extensions)",
	"RFC 1332, RFC 1877 (IPCP and name servers), RFC 5072 (IPv6CP)",
	"RFC 1334 (PAP), RFC 1994 (CHAP), RFC 2433 and RFC 2759 (MS-CHAP), RFC 3748 (EAP)",
}
