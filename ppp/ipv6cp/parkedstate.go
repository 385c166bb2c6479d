package ipv6cp

import "upppoe/internal/tlv"

// Tags of a negotiator's fields. They do not change.
const (
	tagOverride   = 1
	tagInitial    = 2
	tagLocal      = 3
	tagSuggestion = 4
	tagRemote     = 5
	tagAssigned   = 6
	tagRequest    = 7
)

// AppendState appends the state of the negotiator, encoded, which RestoreState reads.
func (p *Parked) AppendState(b []byte) []byte { return tlv.Append(b, p.state.fields) }

// RestoreState reads what AppendState has encoded, maybe in another version. Our identifier must be one
// that the configuration allows.
func (p *Parked) RestoreState(cfg *Config, state []byte) error {
	*p = Parked{}
	return tlv.Parse(state, func(c *tlv.Codec) {
		p.state.fields(c)
		if cfg.Local == (ID{}) {
			return
		}
		p.state.initial = cfg.Local
		if local := p.state.local; !cfg.AcceptLocal && local != cfg.Local && local != (ID{}) {
			c.Fail("our interface identifier is %x, but the configuration has %x", local, cfg.Local)
		}
	})
}

func (s *state) fields(c *tlv.Codec) {
	if c.Optional(tagOverride, s.override != nil) {
		if s.override == nil {
			s.override = new(ID)
		}
		c.Octets(tagOverride, s.override[:])
	}
	c.Octets(tagInitial, s.initial[:])
	c.Octets(tagLocal, s.local[:])
	c.Octets(tagSuggestion, s.suggestion[:])
	c.Octets(tagRemote, s.remote[:])
	c.Bool(tagAssigned, &s.assigned)
	c.Bool(tagRequest, &s.request)
}
