package ladderpage_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"upppoe/internal/capture/explain"
	"upppoe/internal/capture/explain/ladderpage"
	"upppoe/internal/capture/reader"
)

// written returns the file of the page of a capture of the real pppd.
func written(t *testing.T, capture string, change func(*explain.Report)) string {
	t.Helper()
	data, err := os.ReadFile("../../../../test/golden/testdata/" + capture)
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader.Open(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	report := explain.New(explain.Options{}).Read(r, nil)
	report.File = capture
	change(report)
	var b bytes.Buffer
	if err := ladderpage.Write(&b, report); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// browser starts a headless Chromium, and fails the test for each message of its console.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, timeout := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(timeout)
	err := chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("exception: %v", e.ExceptionDetails)
		case *cdplog.EventEntryAdded:
			t.Errorf("console: %s %s", e.Entry.Level, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// run runs actions, and fails the test if one fails.
func run(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// evaluate returns the value of an expression.
func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func expect[T comparable](t *testing.T, ctx context.Context, expression string, want T) {
	t.Helper()
	if got := evaluate[T](t, ctx, expression); got != want {
		t.Errorf("%s is %v, want %v", expression, got, want)
	}
}

const panel = `document.querySelector('.details')`

// TestPage uses the page by mouse and by keyboard, in a real browser.
func TestPage(t *testing.T) {
	evil := `</script><script>alert(1)</script><img src=x onerror=alert(2)>`
	path := written(t, "wrong-password.pcap", func(r *explain.Report) { r.Sessions[1].Problems[1].Text += evil })
	ctx := browser(t)
	run(t, ctx, chromedp.Navigate("file://"+path), chromedp.WaitVisible(chromedp.CSS("h2")))

	// The session that failed is shown, with its ladder, and no text is markup.
	expect(t, ctx, `document.querySelector('h2').textContent`, "Session 2 · 0x0001")
	expect(t, ctx, `document.querySelectorAll('g.event').length`, 19)
	expect(t, ctx, `document.querySelectorAll('g.event.error').length`, 1)
	expect(t, ctx, `document.querySelectorAll('img').length`, 0)
	if text := evaluate[string](t, ctx, `document.querySelector('.card.error').textContent`); !strings.Contains(text, "Access denied") || !strings.Contains(text, "RFC 1994 section 4.2") {
		t.Errorf("the problem is %q", text)
	}
	if text := evaluate[string](t, ctx, `document.querySelector('main').textContent`); !strings.Contains(text, evil) {
		t.Errorf("a text is changed: %q", text)
	}

	// A click opens the details of a packet, another one closes them.
	expect(t, ctx, panel+".hidden", true)
	run(t, ctx, chromedp.Click(chromedp.CSS("g.event.error")))
	if text := evaluate[string](t, ctx, panel+".textContent"); !strings.Contains(text, `[CHAP Failure id=0x7e "Access denied"]`) {
		t.Errorf("the details are %q", text)
	}
	run(t, ctx, chromedp.Click(chromedp.CSS("g.event.error")))
	expect(t, ctx, panel+".hidden", true)

	// By keyboard: arrow keys move, Enter opens, Escape closes.
	run(t, ctx, chromedp.Focus(chromedp.CSS("g.event")), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
	if text := evaluate[string](t, ctx, panel+".textContent"); !strings.Contains(text, "PADO") {
		t.Errorf("the details are %q", text)
	}
	expect(t, ctx, `document.activeElement.dataset.index`, "1")
	run(t, ctx, chromedp.KeyEvent(kb.Escape))
	expect(t, ctx, panel+".hidden", true)

	// The list of sessions: it is in the tab order, and can be filtered.
	run(t, ctx, chromedp.Focus(chromedp.CSS(`nav button[data-number="1"]`)), chromedp.KeyEvent(kb.Enter))
	expect(t, ctx, `document.querySelector('h2').textContent`, "Session 1")
	run(t, ctx, chromedp.SendKeys(chromedp.CSS("nav input"), "testuser"))
	expect(t, ctx, `document.querySelectorAll('nav button').length`, 1)
}

// TestSchemes: the page is readable in a dark and in a light scheme, and fits a phone.
func TestSchemes(t *testing.T) {
	path := written(t, "dns.pcap", func(*explain.Report) {})
	ctx := browser(t)
	back := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		run(t, ctx, chromedp.EmulateViewport(390, 800), chromedp.Navigate("file://"+path), chromedp.WaitVisible(chromedp.CSS("h2")))
		back[scheme] = evaluate[string](t, ctx, `getComputedStyle(document.body).backgroundColor`)
		expect(t, ctx, `document.documentElement.scrollWidth <= 390`, true)
		if text := evaluate[string](t, ctx, `getComputedStyle(document.querySelector('svg text.head')).fill`); text == back[scheme] {
			t.Errorf("%s: text and background have the same colour %s", scheme, text)
		}
		if dir := os.Getenv("UPPPOE_SCREENSHOTS"); dir != "" {
			screenshot(t, ctx, filepath.Join(dir, scheme+".png"))
		}
	}
	if back["light"] == back["dark"] {
		t.Errorf("both schemes have the background %s", back["light"])
	}
}

func screenshot(t *testing.T, ctx context.Context, path string) {
	t.Helper()
	run(t, ctx, chromedp.EmulateViewport(1400, 900))
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, image, 0o666); err != nil {
		t.Fatal(err)
	}
}
