package trace

import (
	"encoding/hex"
	"strings"
	"testing"
)

// TestPPPDFormat: packets, and what pppd 2.4.9 prints for them. The texts for malformed frames
// and options are ours.
func TestPPPDFormat(t *testing.T) {
	for _, c := range []struct{ frame, want string }{
		// LCP (RFC 1661 section 5 and 6, RFC 1570).
		{"c021 01 01 0014 0104 05d4 0206 00000000 0506 1a2b3c4d", "[LCP ConfReq id=0x1 <mru 1492> <asyncmap 0x0> <magic 0x1a2b3c4d>]"},
		{"c021 02 01 0004", "[LCP ConfAck id=0x1]"},
		{"c021 03 ff 0008 0104 0578", "[LCP ConfNak id=0xff <mru 1400>]"},
		{"c021 04 02 000e 0702 0802 1104 05dc 1202", "[LCP ConfRej id=0x2 <pcomp> <accomp> <mrru 1500> <ssnhf>]"},
		{"c021 01 01 0008 0304 c023", "[LCP ConfReq id=0x1 <auth pap>]"},
		{"c021 01 01 0008 0304 c227", "[LCP ConfReq id=0x1 <auth eap>]"},
		{"c021 01 01 0009 0305 c223 05", "[LCP ConfReq id=0x1 <auth chap MD5>]"},
		{"c021 01 01 0009 0305 c223 80", "[LCP ConfReq id=0x1 <auth chap MS>]"},
		{"c021 01 01 0009 0305 c223 81", "[LCP ConfReq id=0x1 <auth chap MS-v2>]"},
		{"c021 01 01 0009 0305 c223 06", "[LCP ConfReq id=0x1 <auth chap 06>]"},
		{"c021 01 01 000a 0306 c223 05 07", "[LCP ConfReq id=0x1 <auth chap MD5 07>]"},
		{"c021 01 01 0008 0304 c223", "[LCP ConfReq id=0x1 <auth chap>]"},
		{"c021 01 01 0009 0305 c024 01", "[LCP ConfReq id=0x1 <auth 0xc024 01>]"},
		{"c021 01 01 000c 0408 c025 00000bb8", "[LCP ConfReq id=0x1 <quality lqr 00 00 0b b8>]"},
		{"c021 01 01 0008 0404 c027", "[LCP ConfReq id=0x1 <quality 0xc027>]"},
		{"c021 01 01 000a 0d03 06 0d03 02", "[LCP ConfReq id=0x1 <callback CBCP> <callback 0x2>]"},
		{"c021 01 01 0007 0103 05", "[LCP ConfReq id=0x1 < 01 03 05>]"},
		{"c021 01 01 0013 0503 01 0202 0302 0703 00 1102 1203 00", "[LCP ConfReq id=0x1 < 05 03 01> < 02 02> < 03 02> < 07 03 00> < 11 02> < 12 03 00>]"},
		{"c021 01 01 0009 1305 03 aabb", "[LCP ConfReq id=0x1 < 13 05 03 aa bb>]"},
		{"c021 01 01 0006 0100", "[LCP ConfReq id=0x1 malformed 01 00]"},
		{"c021 05 02 0010 557365722072657175657374", `[LCP TermReq id=0x2 "User request"]`},
		{"c021 05 02 0007 1b5b32", "[LCP TermReq id=0x2 1b 5b 32]"},
		{"c021 05 02 0004", "[LCP TermReq id=0x2]"},
		{"c021 06 02 0004", "[LCP TermAck id=0x2]"},
		{"c021 07 03 0008 63010004", "[LCP CodeRej id=0x3 63 01 00 04]"},
		{"c021 08 04 000a 80fd 01010004", "[LCP ProtRej id=0x4 80 fd 01 01 00 04]"},
		{"c021 09 00 0008 1a2b3c4d", "[LCP EchoReq id=0x0 magic=0x1a2b3c4d]"},
		{"c021 0a 00 000a 00000000 6869", "[LCP EchoRep id=0x0 magic=0x0 68 69]"},
		{"c021 0a 00 0006 0001", "[LCP EchoRep id=0x0 00 01]"},
		{"c021 0b 07 0008 00000001", "[LCP DiscReq id=0x7 magic=0x1]"},
		{"c021 0c 08 000c 00000001 76312e30", `[LCP Ident id=0x8 magic=0x1 "v1.0"]`},
		{"c021 0c 08 0008 00000001", "[LCP Ident id=0x8 magic=0x1]"},
		{"c021 0d 09 0011 00000001 00000e10 656e6409 22", `[LCP TimeRem id=0x9 magic=0x1 seconds=3600 "end\t\""]`},
		{"c021 0d 09 000c 00000001 ffffffff", "[LCP TimeRem id=0x9 magic=0x1 seconds=4294967295]"},
		{"c021 0e 0a 0005 ff", "[LCP code=0xe id=0xa ff]"},

		// IPCP (RFC 1332, RFC 1877).
		{"8021 01 01 001c 0306 00000000 8106 00000000 8306 c0000235 8206 c0000201", "[IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 0.0.0.0> <ms-dns2 192.0.2.53> <ms-wins 192.0.2.1>]"},
		{"8021 04 01 0010 0206 002d 0f01 8406 00000000", "[IPCP ConfRej id=0x1 <compress VJ 0f 01> <ms-wins 0.0.0.0>]"},
		{"8021 01 01 0008 0204 0037", "[IPCP ConfReq id=0x1 <compress old-VJ>]"},
		{"8021 01 01 000a 0206 0037 0f01", "[IPCP ConfReq id=0x1 <compress old-VJ 0f 01>]"},
		{"8021 01 01 000b 0203 00 0204 002d", "[IPCP ConfReq id=0x1 < 02 03 00> <compress VJ>]"},
		{"8021 01 01 0009 0205 0003 09", "[IPCP ConfReq id=0x1 <compress 0x3 09>]"},
		{"8021 01 01 000e 010a c0000201 c0000202", "[IPCP ConfReq id=0x1 <addrs 192.0.2.1 192.0.2.2>]"},
		{"8021 01 01 000b 0303 01 8102 0202", "[IPCP ConfReq id=0x1 < 03 03 01> < 81 02> < 02 02>]"},
		{"8021 01 01 0014 0106 c0000201 630a c0000201 c0000202", "[IPCP ConfReq id=0x1 < 01 06 c0 00 02 01> < 63 0a c0 00 02 01 c0 00 02 02>]"},
		{"8021 05 01 0006 6869", `[IPCP TermReq id=0x1 "hi"]`},
		{"8021 06 01 0004", "[IPCP TermAck id=0x1]"},
		{"8021 07 01 0005 63", "[IPCP CodeRej id=0x1 63]"},
		{"8021 08 01 0004", "[IPCP code=0x8 id=0x1]"},
		{"8021 09 01 0004", "[IPCP code=0x9 id=0x1]"},

		// IPv6CP (RFC 5072).
		{"8057 01 01 000e 010a 0200 0000 0000 00ff", "[IPV6CP ConfReq id=0x1 <addr fe80::0200:0000:0000:00ff>]"},
		{"8057 02 01 000e 010a 0a1b 2c3d 4e5f 6071", "[IPV6CP ConfAck id=0x1 <addr fe80::0a1b:2c3d:4e5f:6071>]"},
		{"8057 07 01 0005 63", "[IPV6CP CodeRej id=0x1 63]"},
		{"8057 08 01 0004", "[IPV6CP code=0x8 id=0x1]"},
		{"8057 04 01 000b 0103 00 0204 004f", "[IPV6CP ConfRej id=0x1 < 01 03 00> < 02 04 00 4f>]"},

		// CCP (RFC 1962), which pppd requests, and which we always reject.
		{"80fd 01 01 000f 1a04 7800 1804 7800 1503 2f", "[CCP ConfReq id=0x1 <deflate 15> <deflate(old#) 15> <bsd v1 15>]"},
		{"80fd 01 01 000c 1a04 7701 0102 0202", "[CCP ConfReq id=0x1 <deflate 15 method 7 check 1> <predictor 1> <predictor 2>]"},
		{"80fd 01 01 000a 1206 01000060", "[CCP ConfReq id=0x1 <mppe +H -M +S +L -D -C>]"},
		{"80fd 01 01 000a 1206 00000291", "[CCP ConfReq id=0x1 <mppe -H +M -S -L +D +C +U (00 00 02 91)>]"},
		{"80fd 01 01 000a 1a03 78 1203 01", "[CCP ConfReq id=0x1 < 1a 03 78> < 12 03 01>]"},
		{"80fd 07 01 0005 63", "[CCP CodeRej id=0x1 63]"},
		{"80fd 08 01 0004", "[CCP code=0x8 id=0x1]"},
		{"80fd 0d 01 0004", "[CCP code=0xd id=0x1]"},
		{"80fd 10 01 0004", "[CCP code=0x10 id=0x1]"},
		{"80fd 0e 01 0004", "[CCP ResetReq id=0x1]"},
		{"80fd 0f 01 0004", "[CCP ResetAck id=0x1]"},
		{"80fd 09 01 0004", "[CCP code=0x9 id=0x1]"},

		// PAP (RFC 1334).
		{"c023 01 01 000e 05 616c696365 03 616263", `[PAP AuthReq id=0x1 user="alice" password=<hidden>]`},
		{"c023 02 01 0008 03 6f6b5c", `[PAP AuthAck id=0x1 "ok\\"]`},
		{"c023 03 01 0005 00", `[PAP AuthNak id=0x1 ""]`},
		{"c023 03 01 0006 05 61", "[PAP AuthNak id=0x1 05 61]"},
		{"c023 04 01 0005 61", "[PAP code=0x4 id=0x1 61]"},

		// CHAP (RFC 1994).
		{"c223 01 05 0009 02 0aff 6163", `[CHAP Challenge id=0x5 <0aff>, name = "ac"]`},
		{"c223 02 05 0008 02 1234 c3", `[CHAP Response id=0x5 <1234>, name = "\303"]`},
		{"c223 01 05 0006 05 0a", "[CHAP Challenge id=0x5 malformed]"},
		{"c223 03 05 0009 4869200d0a", `[CHAP Success id=0x5 "Hi \r\n"]`},
		{"c223 04 05 0004", `[CHAP Failure id=0x5 ""]`},
		{"c223 05 05 0005 01", "[CHAP code=0x5 id=0x5 01]"},

		// EAP (RFC 3748).
		{"c227 01 07 0009 01 4e616d65", `[EAP Request id=0x7 Identity <Message "Name">]`},
		{"c227 01 07 0005 01", "[EAP Request id=0x7 Identity <No message>]"},
		{"c227 02 07 0006 01 75", `[EAP Response id=0x7 Identity <Name "u">]`},
		{"c227 02 07 0005 01", "[EAP Response id=0x7 Identity]"},
		{"c227 01 08 0007 02 6869", `[EAP Request id=0x8 Notification <Message "hi">]`},
		{"c227 02 08 0005 02", "[EAP Response id=0x8 Notification]"},
		{"c227 02 09 0006 03 04", "[EAP Response id=0x9 Nak <Suggested-type 04 (MD5-Challenge)>]"},
		{"c227 02 09 0007 03 191a", "[EAP Response id=0x9 Nak <Suggested-type 19 (PEAP)> 1a]"},
		{"c227 02 09 0006 03 fe", "[EAP Response id=0x9 Nak <Suggested-type FE>]"},
		{"c227 02 09 0005 03", "[EAP Response id=0x9 Nak <missing hint>]"},
		{"c227 01 0a 0009 04 02 0aff 61", `[EAP Request id=0xa MD5-Challenge <Value 0a ff> <Name "a">]`},
		{"c227 02 0a 0007 04 01 ff", "[EAP Response id=0xa MD5-Challenge <Value ff> <No name>]"},
		{"c227 02 0a 0005 04", "[EAP Response id=0xa MD5-Challenge <missing length>]"},
		{"c227 02 0a 0007 04 09 ff", "[EAP Response id=0xa MD5-Challenge <truncated> 09 ff]"},
		{"c227 01 0b 0006 0d 20", "[EAP Request id=0xb TLS 20]"},
		{"c227 01 0b 0006 fe 20", "[EAP Request id=0xb type=0xfe 20]"},
		{"c227 01 0b 0004", "[EAP Request id=0xb <missing type>]"},
		{"c227 03 0c 0004", "[EAP Success id=0xc]"},
		{"c227 04 0c 0005 01", "[EAP Failure id=0xc 01]"},
		{"c227 05 0c 0005 01", "[EAP code=0x5 id=0xc 01]"},

		// Others.
		{"0021 45", "[proto=0x21] 45"},
		{"8281 01 01 0004", "[proto=0x8281] 01 01 00 04"},
		{"c021 01", "[LCP] 01"},
		{"c021 01 01 0003", "[LCP] 01 01 00 03"},
		{"c021 01 01 0009", "[LCP] 01 01 00 09"},
		{"c0", "[malformed] c0"},
		{"c020 01", "[malformed] c0 20 01"},
		{"8281" + strings.Repeat("00", 32), "[proto=0x8281]" + strings.Repeat(" 00", 32)},
		{"8281" + strings.Repeat("00", 33), "[proto=0x8281]" + strings.Repeat(" 00", 32) + " ..."},
	} {
		frame, err := hex.DecodeString(strings.ReplaceAll(c.frame, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", c.frame, err)
		}
		if got := string(AppendFrame([]byte("x "), frame, Options{})); got != "x "+c.want {
			t.Errorf("%s prints as\n%s, want\nx %s", c.frame, got, c.want)
		}
	}
}
