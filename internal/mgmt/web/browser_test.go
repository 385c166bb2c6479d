package web

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"upppoe/chap"
	"upppoe/internal/roottest"
	"upppoe/ppp/session"
)

// tab is a page in headless Chromium. What must not happen in it fails the test: exceptions, violations of
// the page's own policy, dialogs of injected scripts, requests to others.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	problems []string
}

// newBrowser starts Chromium, whose tabs share no cookies with another one.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	roottest.NeedPrograms(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.IgnoreCertErrors, chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(patience))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func newTab(t *testing.T, browser context.Context, base string) *tab {
	t.Helper()
	b := &tab{t: t, base: base}
	ctx, stop := chromedp.NewContext(browser, chromedp.WithListener(b.listen))
	t.Cleanup(stop)
	b.ctx = ctx
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1400, 900), chromedp.Navigate(base)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Error(p)
		}
	})
	return b
}

// listen receives what happens in the tab.
func (b *tab) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()
	case *runtime.EventConsoleAPICalled:
		problem = fmt.Sprintf("console: %v", e.Args)
	case *page.EventJavascriptDialogOpening:
		problem = "an injected script runs: " + e.Message
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.base) {
			problem = "a request to " + e.Request.URL
		}
	}
	if problem != "" {
		b.mu.Lock()
		b.problems = append(b.problems, problem)
		b.mu.Unlock()
	}
}

func (b *tab) run(do ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, do...); err != nil {
		b.t.Fatal(err)
	}
}

// eval returns the value of an expression.
func eval[T any](b *tab, js string) (v T) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return v
}

// shows waits until an expression is true.
func (b *tab) shows(js string) {
	b.t.Helper()
	for until := time.Now().Add(patience); !eval[bool](b, "!!("+js+")"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			b.t.Fatalf("not within %v: %s\n%s", patience, js, eval[string](b, "document.body.innerText"))
		}
	}
}

// hasText waits until an element has a text.
func (b *tab) hasText(selector, text string) {
	b.t.Helper()
	b.shows(fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", selector, text))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.run(chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(chromedp.KeyEvent(keys))
}

// slash is the key as a keyboard sends it: what it types depends on what the page does with it.
var slash = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	for _, key := range []input.DispatchKeyEventParams{{Type: input.DispatchKeyEventTypeKeyDown, Key: "/", Text: "/"}, {Type: input.DispatchKeyEventTypeKeyUp, Key: "/"}} {
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, key); err != nil {
			return err
		}
	}
	return nil
})

const firstRow = "#sessions tbody tr:first-child"

// TestBrowser: the page at work in a browser.
func TestBrowser(t *testing.T) {
	browser := newBrowser(t)
	t.Run("sessions", func(t *testing.T) { testTable(t, browser) })
	t.Run("details", func(t *testing.T) { testDetails(t, browser) })
	t.Run("read-only", func(t *testing.T) { testReadOnly(t, browser) })
	t.Run("looks", func(t *testing.T) { testLooks(t, browser) })
	t.Run("foreign text", func(t *testing.T) { testForeignText(t, browser) })
	t.Run("history", func(t *testing.T) { testHistory(t, browser) })
	t.Run("login", func(t *testing.T) { testLogin(t, browser) })
}

// testTable: 20,000 sessions are searched, sorted and paged, by mouse and by keys.
func testTable(t *testing.T, browser context.Context) {
	s, base, _ := serve(t, Config{}, "", newSessions(20_000))
	b := newTab(t, browser, base)
	b.hasText("#name", "isp-ac")
	b.hasText("#count", "1–50 of 20,000")
	b.hasText("#interfaces", "eth1, VLANs 100-149\tserved")
	b.hasText("#interfaces", "eth2\tnot served")
	b.hasText("#pools", "200 of 65,534")
	b.hasText("#causes", "VLAN is not served")
	b.hasText(firstRow, "user20000@example.net")
	b.click(`th[data-name="id"] button`)
	b.hasText(firstRow, "user1@example.net")
	b.shows(`document.querySelector('th[data-name="id"]').ariaSort === "ascending"`)
	b.click(`th[data-name="user"] button`)
	b.shows(`document.querySelector('th[data-name="user"]').ariaSort === "ascending" && !document.querySelector('th[data-name="id"]').hasAttribute("aria-sort")`)
	b.click("#next")
	b.hasText("#count", "51–100 of 20,000")
	b.press("n")
	b.hasText("#count", "101–150 of 20,000")
	b.press("p")
	b.hasText("#count", "51–100 of 20,000")
	b.run(slash)
	b.shows(`document.activeElement.id === "search" && document.activeElement.value === ""`)
	b.press("user77@")
	b.hasText("#count", "1–1 of 1 matching, 20,000 in all")
	b.hasText(firstRow, "user77@example.net")
	b.press(kb.ArrowDown)
	b.shows(`document.activeElement.closest("tr")?.dataset.id === "77"`)
	b.shows(`location.hash.includes("q=user77%40")`)
	b.press(kb.ArrowUp)
	b.shows(`document.activeElement.id === "search"`)
	b.press(kb.Escape)
	b.hasText("#count", "of 20,000")
	b.run(chromedp.Navigate(base+"/#sort=-id&offset=19990&q="), chromedp.Reload())
	b.hasText(firstRow, "user19991@example.net")
	b.shows(`document.querySelector("#next").disabled && document.querySelectorAll("#sessions tbody tr").length === 10`)
	s.Notify(newSessions(3).all[2].SessionInfo, session.EchoTimeout{Requests: 3})
	b.hasText("#events", "silent")
	b.hasText("#events", "user3@example.net")
	b.shows(`document.querySelector("#no-events").hidden`)
}

// testDetails: one session with rates and its events, which is ended after a question; all by keys.
func testDetails(t *testing.T, browser context.Context) {
	server := newSessions(3)
	s, base, _ := serve(t, Config{Control: true}, "", server)
	b := newTab(t, browser, base)
	b.hasText(firstRow, "user3@example.net")
	b.run(chromedp.Focus(chromedp.CSS(firstRow + " button")))
	b.press(kb.ArrowDown)
	b.press(kb.Enter)
	b.hasText("#details-title", "Session 2: user2@example.net")
	b.hasText("#details-state", "online")
	b.hasText("#facts", "100.64.0.2, here 192.0.2.1")
	b.hasText("#rate-text", "Mbit/s")
	b.shows(`document.querySelector("#rate-chart path.one") && document.querySelector("#rtt-text").innerText.includes("0.20 ms")`)
	s.Notify(server.all[0].SessionInfo, session.EchoTimeout{Requests: 9})
	s.Notify(server.all[1].SessionInfo, session.Authenticated{Method: chap.MD5, Peer: true})
	b.hasText("#its-events", "authenticated")
	if text := eval[string](b, `document.querySelector("#its-events").innerText`); strings.Contains(text, "silent") {
		t.Errorf("an event of another session: %s", text)
	}
	b.run(chromedp.Focus(chromedp.CSS("#disconnect")))
	b.press(kb.Enter)
	b.hasText("#question-text", "End Session 2: user2@example.net?")
	b.shows(`document.activeElement.id === "no"`)
	b.press(kb.Enter)
	b.shows(`document.activeElement.id === "disconnect"`)
	b.press(kb.Enter)
	b.run(chromedp.Focus(chromedp.CSS("#yes")))
	if ended := server.endedNow(); len(ended) > 0 {
		t.Errorf("ended before the answer: %d", ended)
	}
	b.press(kb.Enter)
	b.hasText("#answer", "Session 2 is disconnected.")
	if ended := fmt.Sprint(server.endedNow()); ended != "[2]" {
		t.Errorf("ended are %s", ended)
	}
	b.hasText("#details-state", "ended")
	b.press(kb.Escape)
	b.shows(`!document.querySelector("#details").open`)
	b.hasText("#count", "1–2 of 2")
}

// testReadOnly: a page that may not end sessions does not offer it.
func testReadOnly(t *testing.T, browser context.Context) {
	_, base, _ := serve(t, Config{}, "", newSessions(3))
	b := newTab(t, browser, base)
	b.click(firstRow)
	b.hasText("#details-title", "Session 3: user3@example.net")
	b.hasText("#facts", "100.64.0.3")
	b.shows(`document.querySelector("#control").hidden && document.querySelector("#logout").hidden`)
	b.click("#close")
	b.shows(`document.activeElement.closest("tr")?.dataset.id === "3"`)
}

// contrast is the least contrast of a visible text to what is behind it (WCAG 2.2, 1.4.3), with the text.
const contrast = `(() => {
	const channels = c => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	let least = [99, ""];
	const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (words.nextNode()) {
		const e = words.currentNode.parentElement;
		if (!words.currentNode.data.trim() || !e.checkVisibility({ visibilityProperty: true }) || e.matches(":disabled, noscript")) continue;
		let behind = e;
		while (behind.parentElement && (channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
		const a = light(channels(getComputedStyle(e).color)), z = light(channels(getComputedStyle(behind).backgroundColor));
		const is = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
		if (is < least[0]) least = [is, words.currentNode.data.trim()];
	}
	return least;
})()`

// nameless are the controls without a name for those who cannot see them.
const nameless = `[...document.querySelectorAll("button, input, progress, svg, dialog, [role=log]")].filter(e =>
	!(e.ariaLabel || e.labels?.length || e.getAttribute("aria-labelledby") || e.textContent.trim())).map(e => e.outerHTML)`

// testLooks: dark and light, by the system or by choice; on a telephone; readable, and with names.
func testLooks(t *testing.T, browser context.Context) {
	s, base, _ := serve(t, Config{Control: true}, "", newSessions(60))
	b := newTab(t, browser, base)
	b.hasText(firstRow, "user60@example.net")
	scheme := func(system string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: system}}})
			return err
		})
	}
	s.Notify(newSessions(1).all[0].SessionInfo, session.AuthFailed{Method: chap.MD5})
	s.Notify(newSessions(1).all[0].SessionInfo, session.Authenticated{Method: chap.MD5})
	b.hasText("#events", "auth-failed")
	const light, dark = "rgb(244, 245, 247)", "rgb(13, 17, 23)"
	back := func(want string) {
		t.Helper()
		b.shows(`getComputedStyle(document.body).backgroundColor === "` + want + `"`)
		least := eval[[]any](b, contrast)
		if least[0].(float64) < 4.5 {
			t.Errorf("%s: %q has a contrast of %v", want, least[1], least[0])
		}
	}
	b.run(scheme("light"))
	back(light)
	b.run(scheme("dark"))
	back(dark)
	b.click("#theme") // auto, dark, light
	b.hasText("#theme", "Theme: dark")
	b.run(scheme("light"))
	back(dark)
	b.click("#theme")
	b.run(scheme("dark"), chromedp.Reload())
	b.hasText("#theme", "Theme: light")
	back(light)
	b.click("#theme")
	if none := eval[[]string](b, nameless); len(none) > 0 {
		t.Errorf("without a name: %q", none)
	}
	b.run(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	b.hasText(firstRow, "user60@example.net")
	b.shows(`document.documentElement.scrollWidth <= 360`)
	b.click(firstRow)
	b.hasText("#facts", "100.64.0.60")
	b.shows(`document.documentElement.scrollWidth <= 360 && document.querySelector("#details").getBoundingClientRect().right <= 360`)
}

// testForeignText: what clients, access nodes and the configuration have as names is shown as it is.
func testForeignText(t *testing.T, browser context.Context) {
	const attack, quoted = `<img src=x onerror=alert(1)>`, `"'><script>alert(2)</script>`
	server := newSessions(2)
	one := &server.all[1]
	one.User, one.Service, one.Device = attack, quoted, quoted
	one.AccessLine.CircuitID, one.AccessLine.RemoteID = quoted, attack
	s, base, _ := serve(t, Config{Control: true}, "", server)
	s.program.Info.ACName = attack
	b := newTab(t, browser, base)
	b.hasText("#name", attack)
	b.hasText(firstRow, attack)
	b.hasText(firstRow, quoted)
	s.Notify(one.SessionInfo, session.AuthFailed{Method: chap.MD5, Name: attack})
	s.Notify(one.SessionInfo, session.PeerClosed{Text: quoted})
	b.hasText("#events", "text "+attack)
	b.hasText("#events", "text "+quoted)
	b.click(firstRow)
	b.hasText("#details-title", "Session 2: "+attack)
	b.hasText("#facts", quoted)
	b.click("#disconnect")
	b.hasText("#question-text", attack)
	b.click("#no")
	b.click("#close")
	b.run(chromedp.SendKeys(chromedp.CSS("#search"), attack))
	b.hasText("#count", "1–1 of 1 matching, 2 in all")
	if n := eval[int](b, `document.querySelectorAll("img, script:not([src]), [onerror]").length`); n != 0 {
		t.Errorf("%d elements were injected", n)
	}
	if title := eval[string](b, "document.title"); !strings.Contains(title, attack) {
		t.Errorf("the title is %q", title)
	}
	// The policy stops what a mistake in the page would let in.
	if ran := eval[string](b, `(() => { try { document.body.innerHTML = "<b>x</b>"; return "set" } catch (e) { return e.name } })()`); ran != "TypeError" {
		t.Errorf("HTML of a text: %s", ran)
	}
}

// testHistory: the traffic of all and of an interface over time, and the events before the page was opened.
func testHistory(t *testing.T, browser context.Context) {
	server := newSessions(3)
	s, base, _ := serve(t, Config{}, "", server, func(s *Server) { s.traffic.next = time.Now().Add(time.Hour) })
	for seconds, name := range []string{"", "eth1", "eth2"} {
		for i := range 3 {
			s.traffic.mu.Lock()
			s.traffic.of[name].add(trafficSample{time.Unix(int64(1e9+10*i), 0), octets{uint64(i*i) * 125_000, uint64(i*i*(3-seconds)) * 1_250_000}})
			s.traffic.mu.Unlock()
		}
	}
	s.Notify(server.all[2].SessionInfo, session.EchoTimeout{Requests: 3})
	s.Notify(server.all[0].SessionInfo, session.Authenticated{Method: chap.MD5, Peer: true})
	b := newTab(t, browser, base)
	b.hasText("#events", "silent")
	b.hasText("#events", "user3@example.net")
	b.hasText(`#tiles [data-name="down"]`, "9.0 Mbit/s")
	b.hasText("#traffic-text", "Traffic: down 9.0 Mbit/s, up 300 kbit/s; at most 9.0 Mbit/s in the last hour")
	b.shows(`document.querySelectorAll("#traffic-chart path").length === 3`)
	b.hasText("#interfaces", "6.0 Mbit/s")
	b.run(chromedp.SetValue(chromedp.CSS("#traffic-of"), "eth2"))
	eval[bool](b, `document.querySelector("#traffic-of").dispatchEvent(new Event("change"))`)
	b.hasText("#traffic-text", "Traffic: down 3.0 Mbit/s, up 300 kbit/s")
	b.click(`#sessions tr[data-id="1"]`)
	b.hasText("#its-events", "authenticated")
	if text := eval[string](b, `document.querySelector("#its-events").innerText`); strings.Contains(text, "silent") {
		t.Errorf("an event of another session: %s", text)
	}
	b.shows(`document.querySelectorAll("#events li").length === 2`) // not twice, although the stream has begun again
	b.click("#close")
	b.shows(`document.querySelectorAll("#events li").length === 2`)
}

// testLogin: with a token, a form comes first; its cookie lasts until the reader logs out. All of it by HTTPS.
func testLogin(t *testing.T, browser context.Context) {
	c := withTLS
	c.Control = true
	_, base, _ := serve(t, c, testToken, newSessions(1))
	b := newTab(t, browser, base)
	b.shows(`location.pathname === "/login" && !(document.querySelector("#wrong")?.checkVisibility() ?? true)`)
	b.press("not the token" + kb.Enter)
	b.shows(`document.querySelector("#wrong")?.checkVisibility()`)
	b.run(chromedp.SendKeys(chromedp.CSS("#token"), testToken+kb.Enter))
	b.hasText("#count", "1–1 of 1")
	if cookie := eval[string](b, "document.cookie"); cookie != "" {
		t.Errorf("a script reads the cookie: %q", cookie)
	}
	b.click(firstRow)
	b.click("#disconnect")
	b.click("#yes")
	b.hasText("#answer", "Session 1 is disconnected.")
	b.click("#close")
	b.click("#logout button")
	b.shows(`location.pathname === "/login"`)
	b.run(chromedp.Navigate(base))
	b.shows(`location.pathname === "/login"`)
}
