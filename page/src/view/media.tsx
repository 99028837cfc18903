import { useEffect, useState } from "preact/hooks";
import { fileWords, kindOf } from "../model/media.ts";
import { bytesWords } from "../model/words.ts";
import type { PictureRecord } from "../records.ts";
import { usePage } from "./context.ts";
import { download } from "./download.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Picture } from "./picture.tsx";

interface ThumbProps {
  picture: PictureRecord;
  alt: string;
  /** CSS pixels it is shown at. */
  width: number;
}

/** Small, among others: a picture, the first frame of a film, or what kind of file it is. */
export function Thumb({ picture, alt, width }: ThumbProps) {
  const kind = kindOf(picture);
  if (kind === "picture") return <Picture id={picture.id} alt={alt} width={width} />;
  return (
    <span class="file-card">
      {kind === "film" && <FirstFrame picture={picture} />}
      <span class="file-kind">
        <Icon name={icons[kind]} />
        {width > 150 ? fileWords(picture) : <span class="vh">{fileWords(picture)}</span>}
      </span>
    </span>
  );
}

const icons: Readonly<Record<"film" | "sound" | "model", IconName>> = {
  film: "film",
  sound: "sound",
  model: "model",
};

function FirstFrame({ picture }: { picture: PictureRecord }) {
  const src = useMedia(picture);
  return <video src={src && `${src}#t=0.1`} preload="metadata" muted={true} playsInline={true} />;
}

/** Large: a player, or the file to take away. */
export function Player({ picture, title }: { picture: PictureRecord; title: string }) {
  const page = usePage();
  const kind = kindOf(picture);
  const src = useMedia(picture);
  const card = (
    <span class="file-kind">
      <Icon name={kind === "sound" ? "sound" : "model"} />
      {fileWords(picture)}, {bytesWords(picture.bytes)}
    </span>
  );
  switch (kind) {
    case "film":
      return (
        // biome-ignore lint/a11y/useMediaCaption: what was made has none
        <video
          class="player"
          src={src}
          aria-label={title}
          controls={true}
          playsInline={true}
          loop={true}
        />
      );
    case "sound":
      return (
        <div class="player file-card">
          {card}
          {/* biome-ignore lint/a11y/useMediaCaption: what was made has none */}
          <audio src={src} aria-label={title} controls={true} />
        </div>
      );
    default:
      return (
        <div class="player file-card">
          {card}
          <button
            type="button"
            class="btn"
            onClick={() => void download(page.client, picture).catch((error) => page.fail(error))}
          >
            <Icon name="down" />
            Download
          </button>
        </div>
      );
  }
}

/** An address that a player can seek in. */
function useMedia(picture: PictureRecord): string | undefined {
  const { client } = usePage();
  const [src, setSrc] = useState<string>();
  useEffect(() => {
    let wanted = true;
    Promise.resolve(client.media(picture)).then(
      (url) => {
        if (wanted) setSrc(url);
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [picture.id]);
  return src;
}
