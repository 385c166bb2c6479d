package eap_test

import (
	"bytes"
	"errors"
	"testing"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ppptest"
)

// Packets of a real pppd, from a captured session of user "testuser" with
// password "testpassword".
const (
	goldenIdentityRequest  = "01870009014e616d65"
	goldenIdentityResponse = "0287000d017465737475736572"
	goldenMD5Request       = "018800220416b7bce259498bee6e54c3826a9bdc368d5406cbfccdb1286e6f6e6529"
	goldenMD5Response      = "0288001e0410708665079d15a6a801e3477efbde03947465737475736572"
	goldenSuccess          = "03890004" // one more than the Response's Identifier
)

const password = "testpassword"

func TestParsePacket(t *testing.T) {
	for s, want := range map[string]eap.Packet{
		goldenIdentityRequest:  {Code: eap.Request, ID: 0x87, Type: eap.Identity, Data: []byte("Name")},
		goldenIdentityResponse: {Code: eap.Response, ID: 0x87, Type: eap.Identity, Data: []byte("testuser")},
		goldenSuccess:          {Code: eap.Success, ID: 0x89},
		"0105000501":           {Code: eap.Request, ID: 5, Type: eap.Identity},
		"040500066e6f":         {Code: eap.Failure, ID: 5, Data: []byte("no")},
	} {
		c := ppptest.Packet(t, s)
		got, err := eap.ParsePacket(c)
		if err != nil || got.Code != want.Code || got.ID != want.ID || got.Type != want.Type || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%s: %+v, error %v", s, got, err)
		}
		if again := got.Control(); !bytes.Equal(again.AppendTo(nil), c.AppendTo(nil)) {
			t.Errorf("%s: appended again it is %x", s, again.AppendTo(nil))
		}
	}
	for s, want := range map[string]error{"01050004": eap.ErrType, "02050004": eap.ErrType, "05050005ff": eap.ErrCode, "00050004": eap.ErrCode} {
		if p, err := eap.ParsePacket(ppptest.Packet(t, s)); !errors.Is(err, want) {
			t.Errorf("%s: %+v, error %v", s, p, err)
		}
	}
}

// CVE-2020-8597 was a missing check of these lengths in pppd.
func TestChallengeLengths(t *testing.T) {
	p, err := eap.ParsePacket(ppptest.Packet(t, goldenMD5Request))
	if err != nil {
		t.Fatal(err)
	}
	value, name, err := chap.ParseValue(p.Data)
	if err != nil || len(value) != 0x16 || string(name) != "(none)" {
		t.Errorf("value %x, name %q, error %v", value, name, err)
	}
	for n := range 1 + len(value) {
		if _, _, err := chap.ParseValue(p.Data[:n]); !errors.Is(err, chap.ErrValue) {
			t.Errorf("its first %d octets: %v", n, err)
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	f.Add(ppptest.Packet(f, goldenMD5Request).AppendTo(nil))
	f.Add(ppptest.Packet(f, goldenSuccess).AppendTo(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ppp.ParseControl(b)
		if err != nil {
			return
		}
		p, err := eap.ParsePacket(c)
		if err != nil {
			return
		}
		if again := p.Control().AppendTo(nil); !bytes.HasPrefix(b, again) {
			t.Errorf("%x, appended again: %x", b, again)
		}
	})
}
