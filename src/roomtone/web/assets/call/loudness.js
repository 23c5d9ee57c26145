// How loud a track is. It listens to a copy, so it hears also what is said while muted.
// SPDX-License-Identifier: Apache-2.0

/** @type {AudioContext | null} */
let context = null;

export class Loudness {
  /** @param {MediaStreamTrack} track */
  constructor(track) {
    context ??= new AudioContext();
    this.copy = track.clone();
    this.copy.enabled = true;
    this.source = context.createMediaStreamSource(new MediaStream([this.copy]));
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** From 0 (silence) to 1 (full scale, -10 dB and up), on a scale of decibels. */
  now() {
    // Until somebody touched the page, the browser keeps it silent.
    if (context?.state === "suspended") context.resume().catch(() => {});
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / this.samples.length + 1e-10);
    return Math.min(1, Math.max(0, (decibels + 60) / 50));
  }

  close() {
    this.source.disconnect();
    this.copy.stop();
  }
}

/** Of the scale above: somebody speaks. */
export const SPEAKING = 0.35;
