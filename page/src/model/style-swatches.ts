/** How a swatch's landscape is drawn: what the words of the style say of line, surface and frame. */
export type Treatment =
  | "flat"
  | "outline"
  | "line"
  | "hatch"
  | "dots"
  | "grid"
  | "steps"
  | "facets"
  | "soft"
  | "dabs"
  | "rays"
  | "layers"
  | "border"
  | "bars";

export interface Swatch {
  treatment: Treatment;
  /** Each as `#` and six hex digits. */
  sky: string;
  sun: string;
  far: string;
  near: string;
  ink: string;
}

/** Treatment, then sky, sun, far hill, near hill and ink, by the words of each style we ship. */
const drawn: Record<string, string> = {
  claymation: "soft cfe3e6 f2c14e d9825b 9c4f36 6b3222",
  origami: "facets f3e9ec f7c9b6 9fc4d4 6b9bb5 4a7690",
  paper_cut: "layers f6e7cb f08a4b 2f8f8a 1d4f5e 12323d",
  stained_glass: "outline 2c64b8 f2b52b b1283a 1f7a4a 14100e",
  mosaic: "grid 8fc3cf e0b13f c0673f 33627a efe8da",
  pencil_sketch: "hatch f4f1ea dcd8cf c3beb4 98938a 4a4743",
  charcoal: "hatch d9d4cb f1eee7 6a6560 23211f 111111",
  ink_drawing: "hatch ffffff ffffff ffffff 17181a 17181a",
  line_art: "line ffffff ffffff ffffff ffffff 17181a",
  pastel: "dabs e9d9e6 f8d6a8 b8cfe0 a9c5a0 fbf3e8",
  comic_book: "outline ffd93d f4442e 2f6fde 1c9a59 111111",
  anime: "flat 7cc7f5 fff3b8 8fdca0 2f9d74 1c5f7a",
  manga: "dots ffffff ffffff d8d8d8 17181a 17181a",
  childrens_book: "dabs fbe8c6 f6a04d a8cf9b d98c73 fff6e0",
  woodcut: "hatch f3ead9 1b1714 1b1714 1b1714 f3ead9",
  blueprint: "line 1c3f8f 1c3f8f 1c3f8f 1c3f8f dfe9ff",
  fantasy_art: "soft 8a7fd0 ffe6a3 4f8f8a 2b4c5e f7e0ff",
  dark_fantasy: "soft 2b2d33 c8602a 1c2226 0f1214 5c4a3d",
  gothic: "layers 3a2f4a d9d3e6 5b1f33 1a1220 0d0810",
  steampunk: "rays e2b878 f6d9a0 a8642c 5a3519 c98b3d",
  cyberpunk: "line 120b2e ff2fa8 1a1244 0a0720 19e3ff",
  solarpunk: "flat bfe9f5 ffe066 6cc26b 2e8a55 ffffff",
  vaporwave: "grid ffb3de ffe9f4 7be0e0 9b7be8 ffffff",
  synthwave: "grid 3b1266 ffb03a 7a1f8f 1b0838 ff3fb4",
  concept_art: "dabs b9c7cf f5e3c0 6f8591 33434f dde5e8",
  horror: "soft 171a17 b9c46a 10120f 070807 3a4030",
  flat_vector: "flat ffe8d6 ff7f51 6fb1a0 2a5c78 1d3b53",
  minimalist: "flat f5f4f0 d9462b f5f4f0 e2dfd6 d9462b",
  logo: "rays ffffff 1846c7 ffffff 1846c7 ffffff",
  sticker: "border 8fd8ff ffd23f 5fcf80 2f9e5a ffffff",
  pixel_art: "steps 5fb4e8 fff07a 3fa34d 226b38 1a3a52",
  low_poly: "facets cfe6ee ffd9a0 7fb069 4c8a57 2f6b46",
  isometric: "facets f1eef9 ffc56b 9aa8e6 6a78c9 4a569e",
  "3d_render": "soft e6e9ef ff9d6e 8aa6d8 4d69a8 ffffff",
  double_exposure: "layers f1efe9 d8cfc4 a9b5b8 6f7d82 4f5b60",
  watercolor: "soft f6f8f7 f7c59f a7cbd9 7fa7b8 ffffff",
  oil_painting: "dabs 8a7a52 f0c35b 5d6b3c 3a3a24 d9b777",
  baroque: "soft 1f140d e8b96a 3c2413 1b100a 8a5a2b",
  impressionism: "dabs a9c9e8 ffe3a0 9bbf8f 6f8fc0 f6e4f0",
  cubism: "facets d8c9a3 c79a4a 9a8f7a 6a665c 3f3d38",
  surrealism: "soft f2d9a6 fff6d8 d99a5b 7a5a4a 3f6f8f",
  pop_art: "dots ffe600 ff2d55 00a7e1 111111 ff2d55",
  art_nouveau: "outline e9dfb8 d8b45a 9fb08a 6f8a6a 4b3f26",
  art_deco: "rays 0f2f2a d9b24a 0c5a48 0b0b0b d9b24a",
  ukiyo_e: "outline e9dcc0 d2573f 7f9fb0 2b4a78 22304a",
  ink_wash: "soft f4f1ea d9d5cc a8a59e 4a4945 1f1f1d",
  photographic: "soft 9cc4e4 fff4d6 7f9a6a 4f6b3f 2f4527",
  cinematic: "bars 2f5a66 f0a45a 1f3d47 12262e 000000",
  analog_film: "bars d9c7a0 f5dfae a5946a 6f6a50 2a211a",
  instant_photo: "border c9d6cf f3dcb0 a9b79f 8a8f7a f7f5ef",
  black_and_white: "soft bdbdbd f4f4f4 6f6f6f 1f1f1f 000000",
  noir: "bars 4a4a4a e6e6e6 1e1e1e 0a0a0a 000000",
  portrait_studio: "soft a3a6aa e3e4e6 8a8d92 5f6267 3f4246",
  product_photo: "soft f2f2f0 ffffff dcdcd8 c4c4bf a9a9a4",
  food_photo: "soft f3e2c9 f59a4a c9573a 7a3b24 5f8a3a",
  macro: "dots a8cf8a f3f2a0 5f9a4a 2f5f2f e6f6c9",
  aerial: "layers c9b98f e6d9b0 8a9a5f 4f7a78 2f5a63",
  long_exposure: "rays 1b2450 ff9f5a 27306b 0d1230 ffcf8a",
  architectural: "facets d6e4ee f5efe2 b9b6ae 85827b 55534e",
  tilt_shift: "bars 9fdcf5 ffe97a 5fc45a e0523a f2fbff",
};

/** What stands for the look of a style we ship; of others nothing is known. */
export function swatchOf(style: string): Swatch | undefined {
  const [treatment, ...colours] = Object.hasOwn(drawn, style)
    ? (drawn[style]?.split(" ") ?? [])
    : [];
  const [sky, sun, far, near, ink] = colours.map((colour) => `#${colour}`);
  if (!treatment || !sky || !sun || !far || !near || !ink) return undefined;
  return { treatment: treatment as Treatment, sky, sun, far, near, ink };
}
