/** Say it at most once in so many milliseconds: the first at once, then the latest. */
export function throttle<T>(say: (value: T) => void, wait: number): (value: T) => void {
  let [timer, waiting, latest]: [ReturnType<typeof setTimeout> | 0, boolean, T | undefined] = [0, false, undefined];
  const open = () => {
    timer = 0;
    if (waiting) speak(latest as T);
  };
  const speak = (value: T) => {
    waiting = false;
    timer = setTimeout(open, wait);
    say(value);
  };
  return (value) => {
    if (!timer) return speak(value);
    [waiting, latest] = [true, value];
  };
}
