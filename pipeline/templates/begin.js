browser.hidden = false;
update();
arrive();
addEventListener("popstate", arrive);
