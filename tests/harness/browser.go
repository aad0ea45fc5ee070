package harness

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Browser is a tab of a real Chromium, without a window.
type Browser struct {
	tb     testing.TB
	ctx    context.Context
	opener context.Context // the tab's, without the time limit
	look   string          // the name of the last one

	mu       sync.Mutex
	mistakes []string // what the page broke, or broke the policy with
}

// chromium is what all browsers of a package's tests are windows of.
var chromium = &sharedChromium{}

type sharedChromium struct {
	once  sync.Once
	ctx   context.Context
	close func()
	err   error
}

// start starts it, when the first test needs it.
func (c *sharedChromium) start() {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	i := slices.IndexFunc(names, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if i < 0 {
		c.err = errors.New("these tests drive a real browser: install Chromium (Debian: apt-get install chromium)")
		return
	}
	// What a window without an address bar would show beneath it costs Chromium
	// 156 several times what the pages themselves do.
	const useless = "Translate,WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(names[i]), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", useless))
	allocated, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocated)
	c.ctx, c.close = ctx, func() { end(); release() }
	_, c.err = chromedp.Run(ctx, chromedp.Location())
}

func (c *sharedChromium) stop() {
	if c.close != nil {
		c.close()
	}
}

// NewBrowser opens a browser of its own, with no cookies.
func NewBrowser(tb testing.TB) *Browser {
	tb.Helper()
	chromium.once.Do(chromium.start)
	if chromium.err != nil {
		tb.Fatal("start the browser: ", chromium.err)
	}
	return newTab(tb, chromium.ctx, chromedp.WithNewBrowserContext())
}

// Tab opens another tab of the same browser, for a part of a test.
func (b *Browser) Tab(tb testing.TB) *Browser {
	tb.Helper()
	return newTab(tb, b.opener)
}

// newTab opens a tab beside the opener's, or in a window of its own.
func newTab(tb testing.TB, opener context.Context, options ...chromedp.ContextOption) *Browser {
	tb.Helper()
	tab, closeTab := chromedp.NewContext(opener, options...)
	ctx, cancel := context.WithTimeout(tab, 2*patience)
	b := &Browser{tb: tb, ctx: ctx, opener: tab}
	tb.Cleanup(func() {
		if tb.Failed() {
			text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body"), chromedp.NodeReady))
			tb.Logf("the browser showed at the end (%v):\n%s", err, text)
		}
		cancel()
		closeTab()
	})
	if err := chromedp.Listen(tab, b.listen); err != nil { // which opens it, for as long as tab lives
		tb.Fatalf("open the browser: %v", err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		tb.Fatalf("listen to the browser: %v", err)
	}
	return b
}

// listen keeps what the page's policy blocked. That a request was refused is
// a test's own doing.
func (b *Browser) listen(event any) {
	added, ok := event.(*log.EventEntryAdded)
	if !ok || added.Entry.Level != log.EntryLevelError || added.Entry.Source == log.EntrySourceNetwork {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mistakes = append(b.mistakes, added.Entry.Text)
}

// Do runs actions one after another.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.tb.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.tb.Fatalf("in the browser: %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, mistake := range b.mistakes {
		b.tb.Errorf("the browser complains: %s", mistake)
	}
	b.mistakes = nil
}

// ask runs an action that gives something.
func ask[T any](b *Browser, action chromedp.Action[T]) T {
	b.tb.Helper()
	value, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.tb.Fatalf("in the browser: %v", err)
	}
	return value
}

// Open goes to an address and waits until its page is there.
func (b *Browser) Open(address string) {
	b.tb.Helper()
	b.Do(chromedp.Navigate(address), chromedp.WaitReady(":root"))
}

// Submit clicks, and waits for the page that comes of it.
func (b *Browser) Submit(selector string) {
	b.tb.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.tb.Fatalf("click %s: %v", selector, err)
	}
	b.Do(chromedp.WaitReady("body"))
}

// Choose ticks a box or a radio button.
func (b *Browser) Choose(selector string) {
	b.tb.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Type fills a field in, as somebody does who selects what stands there and
// types. chromedp.Clear with chromedp.SendKeys would be a data race: SendKeys
// (v0.23.0) reads the field's attributes without the lock under which the
// change that Clear makes arrives.
func (b *Browser) Type(selector, text string) {
	b.tb.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
	b.Run("document.querySelector(`" + selector + "`).select(); true")
	b.Do(chromedp.KeyEvent(text))
}

// Text is what an element shows, as a person reads it.
func (b *Browser) Text(selector string) string {
	b.tb.Helper()
	return ask(b, chromedp.Text(chromedp.CSS(selector), chromedp.NodeReady))
}

// Address is where the browser is.
func (b *Browser) Address() string {
	b.tb.Helper()
	return ask(b, chromedp.Location())
}

// Run evaluates JavaScript that gives a truth.
func (b *Browser) Run(script string) bool {
	b.tb.Helper()
	return ask(b, chromedp.Evaluate[bool](script))
}

// Has says whether the page has such an element.
func (b *Browser) Has(selector string) bool {
	b.tb.Helper()
	return b.Run("document.querySelector(`" + selector + "`) !== null")
}

// Attribute is an attribute of an element.
func (b *Browser) Attribute(selector, name string) string {
	b.tb.Helper()
	return ask(b, chromedp.AttributeValue(chromedp.CSS(selector), name)).Value
}

// Cookies are those that the browser sends to the page's address, as a header
// writes them.
func (b *Browser) Cookies() string {
	b.tb.Helper()
	known, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		b.tb.Fatalf("read the browser's cookies: %v", err)
	}
	var header []string
	for _, cookie := range known.Cookies {
		header = append(header, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(header, "; ")
}

// Retarget makes a form of the page send other fields to another address, as
// somebody does who reads its source.
func (b *Browser) Retarget(selector, target string, fields url.Values) {
	b.tb.Helper()
	script := fmt.Sprintf("{const f = document.querySelector(%q); f.action = %q;", selector, target)
	for name := range fields {
		script += fmt.Sprintf("f.insertAdjacentHTML('beforeend', `<input type=hidden name=%s value=%s>`);", name, fields.Get(name))
	}
	b.Run(script + "} true")
}

// Eventually waits for an element, on a page that reloads itself until then.
func (b *Browser) Eventually(selector string) {
	b.tb.Helper()
	Eventually(b.tb, "the page has "+selector, func() bool {
		has, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.querySelector(`"+selector+"`) !== null"))
		return err == nil && has // an error while it reloads
	})
}

// WantText fails unless the page shows all of these words, each from the
// start of a word: 0.00 hours are not shown by 10.00 hours.
func (b *Browser) WantText(words ...string) {
	b.tb.Helper()
	text := b.Text("main")
	for _, word := range words {
		if !strings.Contains(" "+strings.Join(strings.Fields(text), " "), " "+word) {
			b.tb.Errorf("%s doesn't say %q:\n%s", b.Address(), word, text)
		}
	}
}

// BackAndSubmit goes back to the page before, as the browser's button does,
// and clicks there once more. The browser shows that page as it was left, with
// what was typed, but for the fields that are filled in otherwise: pairs of a
// selector and a text. DevTools isn't told of such a page, and so a script does
// it all.
func (b *Browser) BackAndSubmit(selector string, otherwise ...string) {
	b.tb.Helper()
	elsewhere := func(script string) {
		from := b.Address()
		b.Run(script + "; true")
		Eventually(b.tb, "the browser is elsewhere than "+from, func() bool {
			there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf("location.href !== %q && document.readyState === 'complete'", from)))
			return err == nil && there // an error while it changes pages
		})
	}
	elsewhere("history.back()")
	for field := range slices.Chunk(otherwise, 2) {
		b.Run(fmt.Sprintf("document.querySelector(%q).value = %q; true", field[0], field[1]))
	}
	elsewhere(fmt.Sprintf("document.querySelector(%q).click()", selector))
	b.Do(chromedp.WaitReady(":root"))
}

// Texts are what elements say, one after another.
func (b *Browser) Texts(selector string) []string {
	b.tb.Helper()
	return ask(b, chromedp.Evaluate[[]string](fmt.Sprintf("Array.from(document.querySelectorAll(%q), e => e.textContent.trim())", selector)))
}
