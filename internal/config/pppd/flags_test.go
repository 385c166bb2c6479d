package pppd

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// flags are the options without a value, with the fields that each sets.
var flags = map[string]string{
	"+ipv6":                   "NoIPv6=false",
	"allow-mschap-v1":         "MSCHAPv1=true",
	"auth":                    "NoAuth=false Auth=true",
	"debug":                   "Debug=true",
	"default-mru":             "DefaultMRU=true",
	"defaultroute":            "DefaultRoute=true",
	"defaultroute6":           "DefaultRoute6=true NoDefaultRoute6=false",
	"demand":                  "Persist=true Demand=true",
	"dhcp6-address":           "NoDHCPv6=false DHCPv6Address=true",
	"dhcp6-lan-ra":            "AdvertiseLANs=true",
	"dryrun":                  "Dump=true DryRun=true",
	"dump":                    "Dump=true",
	"hide-password":           "ShowPassword=false",
	"ipcp-accept-local":       "AcceptLocal=true",
	"ipcp-accept-remote":      "AcceptRemote=true",
	"ipv6cp-accept-local":     "AcceptLocalID=true",
	"ipv6cp-noremote":         "NoRemoteID=true",
	"ipv6cp-nosend":           "NoSendID=true",
	"ipv6cp-use-remotenumber": "UseRemoteNumber=true",
	"json":                    "JSON=true",
	"ktune":                   "KernelTune=true",
	"lcp-echo-adaptive":       "EchoAdaptive=true",
	"ms-lanman":               "MSCHAPv1=true LANMAN=true",
	"noauth":                  "NoAuth=true Auth=false",
	"nodebug":                 "Debug=false",
	"nodefaultroute":          "DefaultRoute=false",
	"nodefaultroute6":         "DefaultRoute6=false NoDefaultRoute6=true",
	"nodhcp6":                 "NoDHCPv6=true DHCPv6Address=false DHCPv6Prefix=false DHCPv6AFTR=false DHCPv6NTP=false DHCPv6S46=false",
	"noip":                    "NoIP=true",
	"noipv6":                  "NoIPv6=true",
	"noipv6autoconf":          "NoAutoconf=true",
	"noktune":                 "KernelTune=false",
	"nomagic":                 "NoMagic=true",
	"nopersist":               "Persist=false",
	"noproxyarp":              "ProxyARP=false",
	"noremoteip":              "NoRemoteIP=true",
	"noreplacedefaultroute":   "ReplaceRoute=false",
	"noresolvconf":            "NoResolvConf=true",
	"persist":                 "Persist=true",
	"proxyarp":                "ProxyARP=true",
	"replacedefaultroute":     "ReplaceRoute=true",
	"require-chap":            "NoAuth=false Auth=true",
	"require-eap":             "NoAuth=false Auth=true",
	"require-mschap-v2":       "NoAuth=false Auth=true",
	"require-pap":             "NoAuth=false Auth=true",
	"show-options":            "ShowOptions=true",
	"show-password":           "ShowPassword=true",
	"silent":                  "Silent=true",
	"up_sdnotify":             "NotifySystemd=true",
	"usepeerdns":              "UsePeerDNS=true",
	"usepeerwins":             "UsePeerWINS=true",
}

// TestFlags: each option without a value sets its fields, whatever was set before.
func TestFlags(t *testing.T) {
	for word, effects := range flags {
		o := byName[word]
		if o == nil || o.kind.arg != "" {
			t.Errorf("%s is not an option without a value", word)
			continue
		}
		for effect := range strings.FieldsSeq(effects) {
			name, want, _ := strings.Cut(effect, "=")
			s := New()
			field := reflect.ValueOf(s).Elem().FieldByName(name)
			field.SetBool(want != "true")
			if err := o.kind.set(s, ""); err != nil || fmt.Sprint(field.Bool()) != want {
				t.Errorf("%s: %s is %v, %v; want %s", word, name, field.Bool(), err, want)
			}
		}
	}
}

// TestEntries: an error affects one line, of which the first word is kept.
func TestEntries(t *testing.T) {
	text := "a \"b\" c\n'd e\n# it's\nf \"g\nh i\\\n j\nk l\\x m n\n\"o\\"
	var got []string
	for _, e := range Entries("f", text) {
		line := fmt.Sprint(e.Words[0].Line)
		for _, w := range e.Words {
			line += " " + w.Text
		}
		if e.Err != nil {
			line += ": " + e.Err.Error()
		}
		got = append(got, line)
	}
	want := []string{
		"1 a b c", "2 d: f:2: the quote ' is not closed in its line", `4 f g: f:4: the quote " is not closed in its line`, "5 h i j",
		`7 k l: f:7: \x needs one or two hexadecimal digits after it`, `8 o: f:8: there is nothing after the last \`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if Entries("f", "") != nil || Entries("f", " \n# x\n") != nil {
		t.Error("a text without words has entries")
	}
}

// TestAccountOthers: one option that does not apply to accounts is reported.
func TestAccountOthers(t *testing.T) {
	for text, want := range map[string]bool{"": false, "rate-up 1": false, "mtu 1400": true} {
		if _, others, err := New().AccountPolicy("", words(text)); others != want || err != nil {
			t.Errorf("%q: others %v, %v; want %v", text, others, err, want)
		}
	}
}

// TestAttachBounds: session IDs are 1 to 65,534 (RFC 2516 section 4), and a concentrator's address is
// unicast.
func TestAttachBounds(t *testing.T) {
	for value, want := range map[string]bool{
		"0:02:00:5e:00:53:01": false, "1:02:00:5e:00:53:01": true, "65534:02:00:5e:00:53:01": true, "65535:02:00:5e:00:53:01": false,
		"65536:02:00:5e:00:53:01": false, "x:02:00:5e:00:53:01": false, "1:03:00:5e:00:53:01": false, "1:ff:ff:ff:ff:ff:ff": false,
		"1:00:00:00:00:00:00": false, "1:": false, "1": false, "1:2:0:5e:0:53:1": true,
	} {
		s := New()
		if err := attach(s, value); (err == nil) != want || (s.Attach != "") != want {
			t.Errorf("%q: %v, stored %q; want it accepted: %v", value, err, s.Attach, want)
		}
		if _, _, ok := s.Attached(); ok != want {
			t.Errorf("%q: a session %v, want %v", value, ok, want)
		}
	}
}
