import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { openPhoto } from '../state/photo.js';
import { cameraOpen, problem } from '../state/session.js';
import { texts } from '../texts.js';
import { Dialog } from './dialog.js';
import { Icon } from './icon.js';

export function CameraDialog() {
  return cameraOpen.value ? <Viewfinder /> : null;
}

/** The camera's picture, live, until the photo is taken. */
function Viewfinder() {
  const video = useRef<HTMLVideoElement>(null);
  const ready = useSignal(false);
  useEffect(() => {
    let stream: MediaStream | undefined;
    let closed = false;
    const end = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    const begin = async () => {
      // Without a secure connection a browser has no mediaDevices at all.
      stream = await (navigator.mediaDevices as MediaDevices | undefined)?.getUserMedia({
        video: { facingMode: 'environment', width: { ideal: 1920 } },
      });
      if (!stream) throw new Error('no mediaDevices');
      if (closed) return end();
      const element = video.current!;
      element.srcObject = stream;
      await element.play();
      ready.value = true;
    };
    begin().catch(() => {
      if (closed) return;
      cameraOpen.value = false;
      problem.value = texts.camera.failed;
    });
    return () => {
      closed = true;
      end();
    };
  }, [ready]);
  const shoot = async () => {
    const element = video.current!;
    const canvas = new OffscreenCanvas(element.videoWidth, element.videoHeight);
    canvas.getContext('2d')!.drawImage(element, 0, 0);
    const blob = await canvas.convertToBlob({ type: 'image/png' });
    cameraOpen.value = false;
    await openPhoto(blob, 'camera.png');
  };
  return (
    <Dialog open={cameraOpen} heading={texts.camera.heading}>
      <video ref={video} class="viewfinder" muted playsInline />
      <div class="dialog-buttons">
        <button type="button" class="button primary" disabled={!ready.value} onClick={() => void shoot()}>
          <Icon name="camera" />
          {texts.camera.shoot}
        </button>
        <form method="dialog">
          <button type="submit" class="button">
            {texts.camera.close}
          </button>
        </form>
      </div>
    </Dialog>
  );
}
