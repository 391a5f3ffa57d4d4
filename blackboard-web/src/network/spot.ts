/** Pictures whose numbers a pointer reads are read by keys as well: arrow keys move a spot, Enter opens what is there. */
import { useRef } from "preact/hooks";
import { useStore } from "../store";

/** A place of a picture, in the words of an event of the pointer. */
export interface Spot {
  offsetX: number;
  offsetY: number;
  clientX: number;
  clientY: number;
}
interface Pointed {
  /** Where the cells of the picture begin, and their width and height. */
  cells: () => { left?: number; top?: number; width: number; height: number };
  hover: (spot: Spot) => void;
  away: () => void;
  open?: (spot: Spot) => void;
}

const MOVES: Record<string, [number, number]> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const most = (value: number, end: number): number => Math.max(0, Math.min(value, end));

/** Return the properties of an element that is read with the pointer and with keys. */
export function useSpot({ cells, hover, away, open }: Pointed) {
  const store = useStore();
  /** The cell with the spot. */
  const at = useRef<[number, number] | null>(null);
  const spotOf = (element: HTMLElement): Spot => {
    const box = element.getBoundingClientRect();
    const { left = 0, top = 0, width, height } = cells();
    const last = [(box.width - left) / width, (box.height - top) / height].map((count) => Math.max(0, Math.ceil(count - 0.5) - 1)) as [number, number];
    at.current = at.current ? [most(at.current[0], last[0]), most(at.current[1], last[1])] : [0, 0];
    const [offsetX, offsetY] = [left + (at.current[0] + 0.5) * width, top + (at.current[1] + 0.5) * height];
    return { offsetX, offsetY, clientX: box.left + offsetX, clientY: box.top + offsetY };
  };
  const look = (element: HTMLElement) => {
    hover(spotOf(element));
    if (store.tip.value) store.tip.value = { ...store.tip.value, byKeys: true };
  };
  return {
    tabIndex: 0,
    role: "application" as const,
    onPointerMove: hover,
    onPointerLeave: away,
    onClick: open,
    onFocus(event: FocusEvent) {
      const element = event.currentTarget as HTMLElement;
      if (element.matches(":focus-visible")) look(element);
    },
    onBlur: away,
    onKeyDown(event: KeyboardEvent) {
      const element = event.currentTarget as HTMLElement;
      const move = MOVES[event.key];
      if (move) {
        const [column, row] = at.current ?? [0, 0];
        at.current = [Math.max(0, column + move[0]), Math.max(0, row + move[1])];
        look(element);
      } else if (event.key === "Enter" && open) open(spotOf(element));
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}
