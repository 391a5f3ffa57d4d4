// NumPy's random order of samples: default_rng(seed).permuted(…), bit for bit.

// Numbers of 128 bits are eight parts of 16 bits, the lowest first: their products are exact.
const PARTS = 8;
const MULTIPLIER = [0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360];

/** Return eight numbers of 32 bits from a seed: NumPy's SeedSequence (O'Neill's seed_seq_fe). */
function seeds(seed) {
  const entropy = [];
  for (let rest = BigInt(seed); rest > 0n || !entropy.length; rest >>= 32n) entropy.push(Number(rest & 0xffffffffn));
  let constant = 0x43b0d7e5;
  const hashed = (value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const value = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  for (let from = 4; from < entropy.length; from++)
    for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(entropy[from]));
  constant = 0x8b51f9dd;
  return [...Array(8).keys()].map((i) => {
    let value = (pool[i % 4] ^ constant) >>> 0;
    constant = Math.imul(constant, 0x58f38ded) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

/** Return the parts of two numbers of 64 bits, given as words of 32 bits, each pair the lower first. */
const parts = ([low, high, lower, higher]) =>
  [lower, higher, low, high].flatMap((word) => [word & 0xffff, word >>> 16]);

/** NumPy's generator: PCG64 (O'Neill, 2014). */
export class Random {
  /** @param {number|bigint} seed */
  constructor(seed) {
    const words = seeds(seed);
    const stream = parts(words.slice(4));
    this.increment = stream.map((part, i) => ((part << 1) & 0xffff) | (i ? stream[i - 1] >>> 15 : 1));
    this.state = Array(PARTS).fill(0);
    this.next = [...this.state];
    this.step();
    this.add(parts(words));
    this.step();
    this.half = -1; // the upper half of the last number, if it is still to be used
  }

  /** Multiply the state and add the increment. */
  step() {
    const { state, next, increment } = this;
    let carry = 0;
    for (let i = 0; i < PARTS; i++) {
      carry += increment[i];
      for (let j = 0; j <= i; j++) carry += state[j] * MULTIPLIER[i - j];
      const rest = Math.floor(carry / 65536);
      next[i] = carry - rest * 65536;
      carry = rest;
    }
    this.state = next;
    this.next = state;
  }

  add(number) {
    let carry = 0;
    this.state = this.state.map((part, i) => {
      carry += part + number[i];
      const sum = carry & 0xffff;
      carry >>>= 16;
      return sum;
    });
  }

  /** Return 32 random bits. */
  bits() {
    if (this.half >= 0) {
      const half = this.half;
      this.half = -1;
      return half;
    }
    this.step();
    const s = this.state;
    const low = ((s[0] ^ s[4]) | ((s[1] ^ s[5]) << 16)) >>> 0;
    const high = ((s[2] ^ s[6]) | ((s[3] ^ s[7]) << 16)) >>> 0;
    const turn = s[7] >>> 10; // the upper six bits: rotate to the right
    const [first, second] = turn < 32 ? [low, high] : [high, low];
    const by = turn & 31;
    this.half = by ? ((second >>> by) | (first << (32 - by))) >>> 0 : second;
    return by ? ((first >>> by) | (second << (32 - by))) >>> 0 : first;
  }

  /** Return a whole number from 0 to `most`, by masks and rejection. */
  upTo(most) {
    const mask = most ? 0xffffffff >>> Math.clz32(most) : 0;
    for (;;) {
      const number = (this.bits() & mask) >>> 0;
      if (number <= most) return number;
    }
  }

  /** Shuffle an array in place (Fisher, Yates). */
  shuffle(array) {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.upTo(i);
      [array[i], array[j]] = [array[j], array[i]];
    }
    return array;
  }
}
