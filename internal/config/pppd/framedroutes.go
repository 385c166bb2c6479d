package pppd

import "net/netip"

const framedRouteName = "framed-route"

// FramedRoutes returns the framed-route prefixes of an account's options that are valid.
func FramedRoutes(options []Word) []netip.Prefix {
	var s Settings
	for i := 1; i < len(options); i++ {
		if options[i-1].Text == framedRouteName {
			framedRoute(&s, options[i].Text)
		}
	}
	return s.Policy.FramedRoutes
}
