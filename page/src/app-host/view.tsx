import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "../view/icons.tsx";
import { isOpen, type Picture, type Studio, type Task } from "./studio.ts";

/** What was asked for, in the person's words. */
function titleOf(args: Readonly<Record<string, unknown>> | undefined, tool = ""): string {
  const prompt = args?.["prompt"];
  return typeof prompt === "string" && prompt !== "" ? prompt : tool.replaceAll("_", " ");
}

export function StudioView({ studio }: { studio: Studio }) {
  const task = studio.shown.value;
  return (
    <main class="studio">
      {task?.images.length ? <Easel studio={studio} task={task} /> : <Blank studio={studio} />}
      {studio.remark.value && (
        <p class="remark" role="alert">
          {studio.remark.value}
        </p>
      )}
      <Earlier studio={studio} />
    </main>
  );
}

/** A canvas of the right shape, with what there is of the picture yet. */
function Blank({ studio }: { studio: Studio }) {
  const task = studio.shown.value;
  const args = task?.arguments ?? studio.asked.value;
  const [width, height] = [Number(args?.["width"] ?? 512), Number(args?.["height"] ?? 512)];
  return (
    <section class="stage" aria-label="Picture">
      <Coming studio={studio} width={width} height={height} />
      <Label studio={studio} task={task} />
    </section>
  );
}

function Coming({ studio, width, height }: { studio: Studio; width: number; height: number }) {
  const address = studio.preview.value?.address;
  const style = { aspectRatio: `${width} / ${height}`, width: `min(100%, ${width}px)` };
  return (
    <div class="canvas" style={style}>
      {address && <img class="sketch" src={address} alt="So far" />}
    </div>
  );
}

function Easel({ studio, task }: { studio: Studio; task: Task }) {
  const picture = studio.picture.value ?? task.images[0];
  if (!picture) return null;
  return (
    <section class="stage" aria-label="Picture">
      <Shown studio={studio} picture={picture} size="large" title={titleOf(task.arguments)} />
      {(task.images.length > 1 || isOpen(task)) && (
        <fieldset class="strip" aria-label="Pictures of this task">
          {task.images.map((image, i) => (
            <button
              type="button"
              key={image.id}
              aria-pressed={image.id === picture.id}
              aria-label={`Picture ${i + 1}`}
              onClick={() => {
                studio.chosen.value = i;
              }}
            >
              <Shown studio={studio} picture={image} size="small" title="" />
            </button>
          ))}
          {isOpen(task) && <Coming studio={studio} width={picture.width} height={picture.height} />}
        </fieldset>
      )}
      <Label studio={studio} task={task} />
      <div class="acts">
        <Act name="again" label="Make again" act={() => studio.again()} />
        <Act name="vary" label="Vary" act={() => studio.vary()} />
        <Act name="up" label="Enlarge" act={() => studio.enlarge()} />
        <Act name="cut" label="Cut out" act={() => studio.cutOut()} />
        <Act name="use" label="Use as input" act={() => studio.use()} />
      </div>
    </section>
  );
}

function Act({ name, label, act }: { name: IconName; label: string; act: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await act();
    setBusy(false);
  };
  return (
    <button type="button" class="act" disabled={busy} onClick={() => void press()}>
      <Icon name={name} />
      {label}
    </button>
  );
}

function Label({ studio, task }: { studio: Studio; task: Task | undefined }) {
  const isGoing = !task || isOpen(task);
  const progress = task?.progress;
  const picture = studio.picture.value;
  const size = picture ? `${picture.width} × ${picture.height}` : "";
  const seed = picture?.seed === null || !picture ? "" : `seed ${picture.seed}`;
  const facts = task ? [size, seed, task.workflow].filter((fact) => fact !== "") : [];
  return (
    <div class="label">
      <p class="words">{titleOf(task?.arguments ?? studio.asked.value, task?.tool)}</p>
      {isGoing && (task || studio.asked.value) ? (
        <div class="going">
          <progress max={1} value={progress?.fraction ?? 0} aria-label="Progress" />
          <span>{progress?.message ?? "Starting"}</span>
          {task && (
            <button type="button" class="act" onClick={() => void studio.cancel()}>
              Cancel
            </button>
          )}
        </div>
      ) : (
        <p class="facts">{task?.error ?? facts.join(" · ")}</p>
      )}
    </div>
  );
}

function Earlier({ studio }: { studio: Studio }) {
  const tasks = studio.earlier.value.filter(
    ({ id, images }) => images.length > 0 && id !== studio.shown.value?.id,
  );
  if (tasks.length === 0) return null;
  return (
    <section class="earlier" aria-label="Earlier pictures">
      <h2>Earlier</h2>
      <div class="grid">
        {tasks.map((task) => {
          const [first] = task.images;
          if (!first) return null;
          const title = titleOf(task.arguments, task.tool);
          return (
            <button
              type="button"
              key={task.id}
              title={title}
              aria-label={title}
              onClick={() => studio.show(task)}
            >
              <Shown studio={studio} picture={first} size="small" title="" />
            </button>
          );
        })}
      </div>
      {studio.more.value !== undefined && (
        <button type="button" class="act" onClick={() => void studio.loadEarlier()}>
          More
        </button>
      )}
    </section>
  );
}

/** A picture, with the one in small under it until the large one has come. */
function Shown({
  studio,
  picture,
  size,
  title,
}: {
  studio: Studio;
  picture: Picture;
  size: "large" | "small";
  title: string;
}) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    let isWanted = true;
    const put = (found: string) => isWanted && setAddress(found);
    const load = async () => {
      if (size === "large") put(await studio.address(picture, "small"));
      put(await studio.address(picture, size));
    };
    load().catch((error) => {
      studio.remark.value = error instanceof Error ? error.message : String(error);
    });
    return () => {
      isWanted = false;
    };
  }, [picture.id, size]);
  const { width, height } = picture;
  const look = picture.has_alpha ? "picture clear" : "picture";
  return address ? (
    <img class={look} src={address} alt={title} width={width} height={height} />
  ) : (
    <div class="canvas" style={{ aspectRatio: `${width} / ${height}` }} />
  );
}
