/// <reference types="vite/client" />

declare module 'virtual:shipped' {
  const list: import('./shipped.js').ShippedList;
  export default list;
}
