import { addressOf } from "../model/route.ts";
import { newsSince } from "../model/seen.ts";
import { clock, dayName } from "../model/words.ts";
import { usePage } from "./context.ts";

/** What happened while nobody looked. Nothing scrolls or opens by itself. */
export function Since() {
  const page = usePage();
  const since = page.seen.value;
  const news = newsSince(page.gallery.tasks.value, since);
  if (since === undefined || news.pictures + news.failed === 0) return null;
  const day = dayName(since, new Date()).toLowerCase();
  return (
    <p class="since">
      <b>
        {news.pictures} new since {day}, {clock(since)}
      </b>
      {news.by && <span class="hide-s">{news.by}</span>}
      {news.failed > 0 && <a href={addressOf({ at: "queue" })}>{news.failed} failed</a>}
      <button type="button" class="lnk" onClick={() => page.markSeen()}>
        Mark as seen
      </button>
    </p>
  );
}
