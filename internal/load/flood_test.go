package load

import (
	"bytes"
	"testing"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// sentFrames is a port that keeps copies of the frames that are sent.
type sentFrames struct{ frames [][]byte }

func (s *sentFrames) WriteBatch(frames [][]byte) (int, error) {
	for _, f := range frames {
		s.frames = append(s.frames, bytes.Clone(f))
	}
	return len(frames), nil
}

// TestFloodFrames: each kind of flood has valid packets of that kind, from many addresses or from
// one session, in the client's VLAN.
func TestFloodFrames(t *testing.T) {
	ac, own := wire.Addr{2, 0x53, 0, 0, 0, 1}, wire.Addr{2, 0x4c, 0, 0, 0, 7}
	tags := vlan.Stack{{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}
	codes := map[string]wire.Code{"padi": wire.PADI, "padr": wire.PADR, "padt": wire.PADT}
	protocols := map[string]ppp.Protocol{"lcp": ppp.LCP, "chap": ppp.CHAP, "echo": ppp.LCP}
	for _, kind := range floodKinds {
		for _, session := range []bool{false, true} {
			port := &sentFrames{}
			f := newFlood(&Config{Flood: kind, FloodRate: 1}, port, floodSource{ac: ac, tags: tags, session: session, own: own, id: 9})
			f.send(200)
			sources := map[wire.Addr]bool{}
			for _, frame := range port.frames {
				s, frame, ok := vlan.Strip(frame)
				if !ok || s != tags {
					t.Fatalf("%s: tags %v in % x", kind, s, frame)
				}
				sources[wire.Addr(frame[6:12])] = true
				if d, err := wire.ParseDiscoveryFrame(frame); err == nil {
					if d.Code != codes[kind] || kind == "padt" && session && d.SessionID == 9 {
						t.Errorf("%s: %+v", kind, d)
					}
					continue
				}
				id, packet, err := wire.ParseSession(frame[14:])
				p, information, badFrame := ppp.ParseFrame(packet)
				if _, badControl := ppp.ParseControl(information); err != nil || badFrame != nil || badControl != nil || p != protocols[kind] || session && id != 9 {
					t.Errorf("%s: % x", kind, frame)
				}
			}
			if many := len(sources) > 190; len(port.frames) != 200 || many == session || session && !sources[own] {
				t.Errorf("%s, from one session %v: %d frames from %d addresses", kind, session, len(port.frames), len(sources))
			}
		}
	}
}
