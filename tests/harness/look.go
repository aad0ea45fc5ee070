package harness

import (
	"os"
	"os/exec"
	"path/filepath"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Look is how a page is looked at.
type Look struct {
	Name          string
	Width, Height int64   // CSS pixels
	Scale         float64 // device pixels a CSS pixel
	Scheme        string  // light or dark
	Axe           bool    // axe-core looks, too, for about a second
}

// Looks are the ways in which every page must be good. The narrowest is what
// WCAG asks for; a zoom of 200 % leaves half of a desktop's width.
var Looks = []Look{
	{Name: "light", Width: 1280, Height: 800, Scale: 1, Scheme: "light", Axe: true},
	{Name: "dark", Width: 1280, Height: 800, Scale: 1, Scheme: "dark"},
	{Name: "phone", Width: 390, Height: 844, Scale: 1, Scheme: "light"},
	{Name: "narrow", Width: 320, Height: 640, Scale: 1, Scheme: "dark", Axe: true},
	{Name: "zoomed", Width: 640, Height: 400, Scale: 2, Scheme: "light"},
}

// pictures waits until the page is drawn with the pictures that fit the look;
// it throws where one is none.
const pictures = `new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))
	.then(() => Promise.all(Array.from(document.images, image => image.decode()))).then(() => true)`

// Look shows the browser's page in a way, and waits for its pictures.
func (b *Browser) Look(look Look) {
	b.tb.Helper()
	b.look = look.Name
	scheme := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.Scheme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, scheme); err != nil {
		b.tb.Fatalf("set the colour scheme: %v", err)
	}
	b.Do(chromedp.EmulateViewport(look.Width, look.Height, chromedp.EmulateScale(look.Scale)))
	ask(b, chromedp.Evaluate[bool](pictures, chromedp.EvalAwaitPromise))
}

// Screenshot gives the whole page as a PNG.
func (b *Browser) Screenshot() []byte {
	b.tb.Helper()
	return ask(b, chromedp.FullScreenshot(100))
}

// tooWide are the page and those of its parts that scroll sideways, but for
// what Stripe sent, which keeps its lines.
const tooWide = `[document.documentElement, ...document.querySelectorAll('body *:not(pre)')]
	.filter(e => e.scrollWidth > e.clientWidth && (e === document.documentElement || getComputedStyle(e).overflowX === 'auto'))
	.map(e => e.tagName.toLowerCase() + '.' + e.className + ', by ' + (e.scrollWidth - e.clientWidth) + ' pixels')`

// Fits fails where something has to be scrolled sideways to be read.
func (b *Browser) Fits() {
	b.tb.Helper()
	for _, part := range ask(b, chromedp.Evaluate[[]string](tooWide)) {
		b.tb.Errorf("%s (%s) scrolls sideways: %s", b.Address(), b.look, part)
	}
}

// runAxe gives what axe-core finds, one line a rule.
const runAxe = `axe.run({resultTypes: ['violations']}).then(found => found.violations.map(rule =>
	rule.id + ': ' + rule.help + rule.nodes.map(node => '\n\t' + node.html + '\n\t' + node.failureSummary.replaceAll('\n', ' ')).join('')))`

// palePlaceholders are those with too little contrast, at which axe-core
// doesn't look.
const palePlaceholders = `(() => {
	const channels = color => color.match(/[\d.]+/g).map(Number);
	const light = color => channels(color).slice(0, 3).map(c => c / 255)
		.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	return Array.from(document.querySelectorAll('[placeholder]')).map(input => {
		const text = getComputedStyle(input, '::placeholder'), paper = light(getComputedStyle(input).backgroundColor);
		const ink = light(text.color), clear = channels(text.color)[3] ?? 1;
		const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
		return {contrast, line: 'placeholder-contrast: ' + contrast.toFixed(2) + ' of 4.5\n\t' + input.outerHTML, solid: clear * text.opacity === 1};
	}).filter(found => found.contrast < 4.5 || !found.solid).map(found => found.line);
})()`

// Accessible fails where axe-core finds something on the page as it is shown.
// DevTools brings it in, whatever the page's policy is.
func (b *Browser) Accessible() {
	b.tb.Helper()
	if !b.Run("typeof axe === 'object'") {
		b.Run(readAxe(b) + ";true")
	}
	found := ask(b, chromedp.Evaluate[[]string](runAxe, chromedp.EvalAwaitPromise))
	for _, rule := range append(found, ask(b, chromedp.Evaluate[[]string](palePlaceholders))...) {
		b.tb.Errorf("%s (%s) is not accessible: %s", b.Address(), b.look, rule)
	}
}

// readAxe reads axe-core's script, which "make axe" fetches from npm where it
// is not there yet.
func readAxe(b *Browser) string {
	b.tb.Helper()
	find := func() []string {
		found, err := filepath.Glob(filepath.Join(ModuleRoot(b.tb), ".bin", "axe-core-*", "axe.min.js"))
		if err != nil {
			b.tb.Fatal("look for axe-core: ", err)
		}
		return found
	}
	found := find()
	if len(found) == 0 {
		fetch := exec.CommandContext(b.ctx, "make", "axe")
		fetch.Dir = ModuleRoot(b.tb)
		if said, err := fetch.CombinedOutput(); err != nil {
			b.tb.Fatalf("these tests look at pages with axe-core, which make axe could not fetch from npm: %v\n%s", err, said)
		}
		found = find()
	}
	if len(found) == 0 {
		b.tb.Fatal("make axe fetched no axe-core")
	}
	script, err := os.ReadFile(found[0])
	if err != nil {
		b.tb.Fatal("read axe-core: ", err)
	}
	return string(script)
}
