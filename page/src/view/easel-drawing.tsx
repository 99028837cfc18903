/** A blank canvas on an easel, and one stroke. */
export function EaselDrawing() {
  return (
    <svg class="easel" viewBox="0 0 440 500" aria-hidden="true">
      <ellipse class="floor" cx="222" cy="482" rx="180" ry="9" />
      <path d="M220 24V62M212 24h16M220 372V478M178 372 112 480M262 372l66 108" />
      <path class="faint" d="M150 420h140" />
      <rect class="ledge-fill" x="72" y="352" width="296" height="18" rx="2" />
      <path class="fainter" d="M72 361h296" />
      <rect class="canvas-fill" x="90" y="62" width="260" height="290" />
      <path class="faintest" d="M96 68h248v278H96z" />
      <path class="ledge-fill" d="M206 54h28v16h-28z" />
      <path class="stroke" d="M128 300c18-16 34-14 44-2s26 13 40-3 34-12 42 2" />
      <g transform="translate(263 288) rotate(38)">
        <path class="tip" d="M0 0c8 3 17 4 26 2l4-8-4-8c-9-2-18-1-26 2-5 4-5 8 0 12Z" />
        <path class="ledge-fill" d="M28-14h16v16H28z" />
        <path class="ink-fill" d="M44-12C70-18 96-14 118-6c-22 8-48 12-74 6" />
      </g>
    </svg>
  );
}
