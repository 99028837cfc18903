import type { Day } from "../model/hanging.ts";
import { dayHeadHeight } from "../model/hanging.ts";
import { rowsWithin } from "../model/wall-layout.ts";
import { pictures } from "../model/words.ts";
import { WallSet } from "./wall-set.tsx";

interface Props {
  day: Day;
  /** The band that is in the document, from the top of this day. */
  from: number;
  to: number;
  tabStop: string | undefined;
}

export function DaySection({ day, from, to, tabStop }: Props) {
  const { layout, tasks } = day;
  const tops = Float64Array.from(layout.rows, (row) => row.top + dayHeadHeight);
  const [first, last] = rowsWithin(tops, layout.height + dayHeadHeight, from, to);
  const place = `${day.top}px`;
  const height = `${layout.height + dayHeadHeight}px`;
  return (
    <section class="day" style={{ top: place, height }} aria-label={day.name}>
      <div class="day-head">
        <h2>{day.name}</h2>
        {day.pictures > 0 && <p>{pictures(day.pictures)}</p>}
      </div>
      <ul class="sets">
        {layout.rows.slice(first, last).flatMap((row) =>
          row.sets.flatMap((placed) => {
            const task = tasks[placed.index];
            if (!task) return [];
            return [
              <WallSet
                key={task.id}
                task={task}
                placed={placed}
                top={row.top}
                height={row.height}
                position={placed.index + 1}
                of={tasks.length}
                tabStop={tabStop?.startsWith(task.id) ? tabStop : undefined}
              />,
            ];
          }),
        )}
      </ul>
    </section>
  );
}
