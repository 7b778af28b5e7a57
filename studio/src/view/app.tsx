import { useEffect } from 'preact/hooks';
import { watchKeys } from '../state/keys.js';
import { announcement, labOpen, photo } from '../state/session.js';
import { texts } from '../texts.js';
import { CameraDialog } from './camera-dialog.js';
import { DropTarget } from './drop-target.js';
import { EmptyStage } from './empty-stage.js';
import { KeysDialog } from './keys-dialog.js';
import { LabHolder } from './lab-holder.js';
import { Messages } from './messages.js';
import { Panel } from './panel.js';
import { Stage } from './stage.js';
import { TopBar } from './top-bar.js';

export function App() {
  useEffect(watchKeys, []);
  return (
    <>
      <a class="skip" href="#panel">
        {texts.skip}
      </a>
      <div class={`page${labOpen.value ? ' page-lab' : ''}`}>
        <TopBar />
        <main class="main">
          <h1 class="unseen">{texts.title}</h1>
          {photo.value ? <Stage photo={photo.value} /> : <EmptyStage />}
          {labOpen.value && <LabHolder />}
        </main>
        <Panel />
      </div>
      <Messages />
      <DropTarget />
      <CameraDialog />
      <KeysDialog />
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </>
  );
}
