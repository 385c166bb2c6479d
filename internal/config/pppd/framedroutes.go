package pppd

import "net/netip"

const (
	framedRouteName = "framed-route"
	vrfName         = "vrf"
)

// FramedRoutes returns the framed-route prefixes of an account's options that are valid, and the VRF in
// which they are; empty: none.
func FramedRoutes(options []Word) (routes []netip.Prefix, in string) {
	var s Settings
	for i := 1; i < len(options); i++ {
		switch options[i-1].Text {
		case framedRouteName:
			framedRoute(&s, options[i].Text)
		case vrfName:
			vrf(&s, options[i].Text)
		}
	}
	return s.Policy.FramedRoutes, s.Policy.VRF
}
