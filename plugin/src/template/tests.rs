mod drafts;
mod events;
mod listing;
mod reading;
mod space;
mod submitting;
mod variables;
