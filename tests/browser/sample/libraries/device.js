// mediasoup-client up to the point where it needs its server: a device that knows what it can do.
import { Device, detectDevice } from "mediasoup-client";

(async () => {
  const handlerName = detectDevice() ?? "Chrome111";
  const device = await Device.factory({ handlerName });
  await device.load({
    routerRtpCapabilities: {
      codecs: [
        { kind: "audio", mimeType: "audio/opus", clockRate: 48000, channels: 2, preferredPayloadType: 100 },
      ],
      headerExtensions: [],
    },
  });
  if (!device.canProduce("audio")) throw new Error("cannot produce");
  window.done = { connections: 1, media: false };
})();
