import sharp from "sharp";
import { expect, test } from "vitest";
import { type MediaMimeType, mediaName, sniffMedia } from "../../src/images/media.ts";
import { compileOwn } from "../../src/workflows/discover/own.ts";
import { filmGraph } from "../fixtures/exports/film.ts";

test.for<[head: string, type: MediaMimeType | undefined, name: string]>([
  ["\0\0\0 ftypisom\0\0\x02\0isomiso2mp41", "video/mp4", "MP4 video"],
  ["\0\0\0 ftypqt  \0\0\0\0qt  ", "video/quicktime", "MOV video"],
  ["\0\0\0 ftypM4A \0\0\0\0", "audio/mp4", "M4A audio"],
  ["\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webmB", "video/webm", "WEBM video"],
  ["\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "video/x-matroska", "MKV video"],
  ["fLaC\0\0\0\x22", "audio/flac", "FLAC audio"],
  ["OggS\0\x02", "audio/ogg", "OGG audio"],
  ["ID3\x04\0", "audio/mpeg", "MP3 audio"],
  ["\xff\xfb\x90d", "audio/mpeg", "MP3 audio"],
  ["RIFF\x24\0\0\0WAVEfmt ", "audio/wav", "WAV audio"],
  ["glTF\x02\0\0\0", "model/gltf-binary", "GLB 3D model"],
  ["\0\0\0 ftypavif\0\0\0\0", undefined, ""],
  ["\0\0\0 ftypheic\0\0\0\0", undefined, ""],
  ["RIFF\x24\0\0\0WEBPVP8 ", undefined, ""],
  ["GIF89a", undefined, ""],
  ["", undefined, ""],
])("a file that starts with %j is %s", ([head, type, name]) => {
  const found = sniffMedia(Buffer.from(head, "latin1"));

  expect(found).toBe(type);
  if (found) expect(mediaName(found)).toBe(name);
});

test.for(["png", "jpeg", "webp", "avif", "gif", "tiff"] as const)(
  "a picture in %s is no film",
  async (format) => {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });

    expect(sniffMedia(await picture.toFormat(format).toBuffer())).toBeUndefined();
  },
);

test.for(["SaveVideo", "SaveWEBM", "SaveAudioMP3", "SaveGLB", "VHS_VideoCombine"])(
  "a workflow that ends in %s is a tool of its own",
  (save) => {
    const made = compileOwn({
      name: "fox_film",
      graphFile: "fox_film.json",
      graphText: JSON.stringify(filmGraph(save)),
      bindingFile: "fox_film.binding.json",
    });
    if ("problems" in made) throw new Error(JSON.stringify(made.problems));

    expect(made.workflow).toMatchObject({ tool: "fox_film", outputs: ["7"] });
    expect(Object.keys(made.workflow.parameters)).toContain("prompt");
  },
);
